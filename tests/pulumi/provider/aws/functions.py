"""Functions, and what calls them."""

from collections.abc import Mapping
from typing import Any, Final

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, changed
from tests.pulumi.provider.aws.runtime import Code, code_of
from tests.pulumi.provider.inputs import Inputs

_CODE: Final = ("code", "s3Bucket", "s3Key", "s3ObjectVersion", "sourceCodeHash", "imageUri", "runtime", "imageConfig")
_SETTINGS: Final = ("timeout", "memorySize", "description", "environment", "layers")


class Function(Kind, token="aws:lambda/function:Function", named="name", replaces=["packageType"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        inputs.get("packageType")  # every function is a zip here
        code, name = code_of(aws, inputs), inputs["name"]
        made = aws.api("lambda").create_function(
            FunctionName=name,
            Role=inputs["role"],
            PackageType="Zip",
            Code={"ZipFile": code.content},
            Publish=inputs.get("publish", False),
            Tags=inputs.get("tagsAll", {}),
            **inputs.pascal("architectures"),
            **self._configuration(inputs, code),
        )
        return name, self._outputs(aws, name, made)

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("lambda").get_function_configuration(FunctionName=id_)
        now = {"timeout": found["Timeout"], "memorySize": found["MemorySize"], "role": found["Role"]}
        return {name: value for name, value in now.items() if name in known}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("name", "packageType")
        api, code = aws.api("lambda"), code_of(aws, inputs)
        if changed(known, inputs, "role", "handler", "loggingConfig", "snapStart", *_CODE, *_SETTINGS):
            api.update_function_configuration(
                FunctionName=id_, Role=inputs["role"], **self._configuration(inputs, code)
            )
            self._settle(aws, id_)
        if changed(known, inputs, "architectures", *_CODE):
            api.update_function_code(FunctionName=id_, ZipFile=code.content, **inputs.pascal("architectures"))
            self._settle(aws, id_)
        if tags := inputs.get("tagsAll"):
            api.tag_resource(Resource=known["arn"], Tags=tags)
        made = api.publish_version(FunctionName=id_) if inputs.get("publish") else None
        return self._outputs(aws, id_, made or api.get_function_configuration(FunctionName=id_))

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("lambda").delete_function(FunctionName=id_)

    def _settle(self, aws: Aws, name: str) -> None:
        aws.api("lambda").get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    def _configuration(self, inputs: Inputs, code: Code) -> dict[str, Any]:
        inputs.get("handler")  # `code` has it: the bootstrap calls it
        logs = inputs.part("loggingConfig").pascal("logFormat", "logGroup")
        return {
            "Runtime": "provided.al2023",
            "Handler": code.handler,
            **inputs.pascal("snapStart", *_SETTINGS),
            **({"LoggingConfig": logs} if logs else {}),
        }

    def _outputs(self, aws: Aws, name: str, made: Mapping[str, Any]) -> Outputs:
        arn = aws.arn("lambda", f"function:{name}")
        version = made["Version"]
        return {
            "arn": arn,
            "version": version,
            "qualifiedArn": f"{arn}:{version}",
            "invokeArn": invoke_arn(aws, arn),
            "codeSha256": made["CodeSha256"],
        }


def invoke_arn(aws: Aws, function: str) -> str:
    """Return how an API names a function that it calls."""
    return f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{function}/invocations"


class Alias(Kind, token="aws:lambda/alias:Alias", named="name", replaces=["functionName"]):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("lambda").create_alias(**inputs.pascal("name", "functionName", "functionVersion"))
        arn = made["AliasArn"]
        return f"{inputs['functionName']}:{inputs['name']}", {"arn": arn, "invokeArn": invoke_arn(aws, arn)}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("lambda").get_alias(FunctionName=known["functionName"], Name=known["name"])
        return {"functionVersion": found["FunctionVersion"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("lambda").update_alias(**inputs.pascal("name", "functionName", "functionVersion"))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("lambda").delete_alias(FunctionName=known["functionName"], Name=known["name"])


class Warmth(
    Kind,
    token="aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
    replaces=["functionName", "qualifier"],
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        self.update(aws, "", inputs, {})
        return f"{inputs['functionName']},{inputs['qualifier']}", {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        function, qualifier = id_.split(",")
        aws.api("lambda").get_provisioned_concurrency_config(FunctionName=function, Qualifier=qualifier)
        return {}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        asked = inputs.pascal("functionName", "qualifier", "provisionedConcurrentExecutions")
        aws.api("lambda").put_provisioned_concurrency_config(**asked)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        function, qualifier = id_.split(",")
        aws.api("lambda").delete_provisioned_concurrency_config(FunctionName=function, Qualifier=qualifier)


class QueueMapping(
    Kind, token="aws:lambda/eventSourceMapping:EventSourceMapping", replaces=["eventSourceArn"], tagged=True
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("lambda").create_event_source_mapping(
            **self._asked(inputs), **inputs.pascal("eventSourceArn"), Tags=inputs.get("tagsAll", {})
        )
        return made["UUID"], {"uuid": made["UUID"], "functionArn": made["FunctionArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"batchSize": aws.api("lambda").get_event_source_mapping(UUID=id_)["BatchSize"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.camel("eventSourceArn", "tagsAll")
        aws.api("lambda").update_event_source_mapping(UUID=id_, **self._asked(inputs))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("lambda").delete_event_source_mapping(UUID=id_)

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        return inputs.pascal(
            "functionName",
            "batchSize",
            "maximumBatchingWindowInSeconds",
            "functionResponseTypes",
            "scalingConfig",
            "enabled",
        )


class FailureDestination(
    Kind, token="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", replaces=["functionName"]
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        self.update(aws, "", inputs, {})
        return inputs["functionName"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("lambda").get_function_event_invoke_config(FunctionName=id_)
        return {"maximumRetryAttempts": found["MaximumRetryAttempts"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        asked = inputs.pascal("functionName", "maximumRetryAttempts", "destinationConfig", "qualifier")
        age = inputs.get("maximumEventAgeInSeconds")
        aws.api("lambda").put_function_event_invoke_config(**asked, MaximumEventAgeInSeconds=age)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("lambda").delete_function_event_invoke_config(FunctionName=id_)


class FunctionUrl(Kind, token="aws:lambda/functionUrl:FunctionUrl", replaces=["functionName", "qualifier"]):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        made = aws.api("lambda").create_function_url_config(**self._asked(inputs))
        return inputs["functionName"], {"functionUrl": made["FunctionUrl"], "functionArn": made["FunctionArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("lambda").get_function_url_config(FunctionName=id_, **_qualifier(known))
        return {"authorizationType": found["AuthType"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("lambda").update_function_url_config(**self._asked(inputs))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("lambda").delete_function_url_config(FunctionName=id_, **_qualifier(known))

    def _asked(self, inputs: Inputs) -> dict[str, Any]:
        asked = inputs.pascal("functionName", "qualifier", "cors", "invokeMode")
        return {**asked, "AuthType": inputs["authorizationType"]}


def _qualifier(known: Mapping[str, Any]) -> dict[str, str]:
    return {"Qualifier": known["qualifier"]} if known.get("qualifier") else {}


class Permission(
    Kind,
    token="aws:lambda/permission:Permission",
    named="statementId",
    replaces=["action", "function", "principal", "qualifier", "sourceArn", "sourceAccount", "functionUrlAuthType"],
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.pascal(
            "statementId",
            "action",
            "principal",
            "qualifier",
            "sourceArn",
            "sourceAccount",
            "functionUrlAuthType",
            "invokedViaFunctionUrl",
        )
        aws.api("lambda").add_permission(FunctionName=inputs["function"], **asked)
        return inputs["statementId"], {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("lambda").get_policy(FunctionName=known["function"], **_qualifier(known))["Policy"]
        return {} if f'"{id_}"' in found else None

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("lambda").remove_permission(FunctionName=known["function"], StatementId=id_, **_qualifier(known))


class Invocation(Kind, token="aws:lambda/invocation:Invocation", replaces=["functionName", "input", "triggers"]):
    """A call whose answer others need; it is made when it is created, and again when what it is given changes."""

    def create(self, aws: Aws, inputs: Inputs) -> Made:
        inputs.get("triggers")
        name = inputs["functionName"]
        done = aws.api("lambda").invoke(FunctionName=name, Payload=inputs["input"].encode())
        said = done["Payload"].read().decode()
        if "FunctionError" in done:
            raise RuntimeError(f"{name} failed: {said}")
        return f"{name}_$LATEST", {"result": said}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        """What has been called cannot be taken back."""
