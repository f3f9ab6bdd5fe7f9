import httpx
import msgspec


def test_a_stock_server_and_ours_answer_the_real_calls(stock: str, ours: str) -> None:
    for url in (stock, ours):
        made = httpx.post(f"{url}/api/2.0/mlflow/experiments/create", json={"name": "what two servers answer"})
        assert made.status_code == 200, made.text
        assert set(msgspec.json.decode(made.content)) == {"experiment_id"}
        missing = httpx.get(f"{url}/api/2.0/mlflow/experiments/get", params={"experiment_id": "987654321"})
        assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
