"""What a stack costs, from its plan, a price table and how much work there is: `python -m infra.costs`."""
