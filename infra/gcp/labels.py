"""Labels on everything that can have them."""

from collections.abc import Mapping
from typing import Final

import pulumi
from pulumi import Output

# Where a type has both, `labels` are something else: how a channel reaches people, for one.
_KEYS: Final = ("user_labels", "labels")


def label_everything(labels: Mapping[str, str]) -> None:
    """Give every resource that is made from now on these labels besides its own."""

    def labelled(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        # The SDK's classes have every property of their type here, whether it was given or not.
        key = next((one for one in _KEYS if one in args.props), None)
        if not args.type_.startswith("gcp:") or key is None:
            return None
        own = Output.from_input(args.props[key])
        props = {**args.props, key: own.apply(lambda given: {**labels, **(given or {})})}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(labelled)
