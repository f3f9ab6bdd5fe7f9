"""Tags on everything that can have them."""

from collections.abc import Mapping

import pulumi
from pulumi import Output


def tag_everything(tags: Mapping[str, str]) -> None:
    """Give every resource that is made from now on these tags besides its own."""

    def tagged(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        # The SDK's classes have every property of their type here, whether it was given or not.
        if not args.type_.startswith("aws:") or "tags" not in args.props:
            return None
        own = Output.from_input(args.props["tags"])
        props = {**args.props, "tags": own.apply(lambda given: {**tags, **(given or {})})}
        return pulumi.ResourceTransformationResult(props=props, opts=args.opts)

    pulumi.runtime.register_stack_transformation(tagged)
