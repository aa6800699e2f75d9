"""The CDK app, which cdk.json runs: it reads the settings, builds the function's zip, and writes the template."""

import sys

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks

from infra import names
from infra.errors import InfraError
from infra.packaging.bundle import aws_target, build, local_target
from infra.settings.configuration import Configuration
from infra.stack.stack import PYTHON, CellflagStack


def main() -> None:
    """Write the template; a wrong setting or a broken rule ends the process with exit code 1."""
    app = App()
    try:
        configuration = Configuration.from_context(app.node.get_all_context())
        bundle = build(local_target() if configuration.target == "local" else aws_target(PYTHON))
    except InfraError as error:
        sys.exit(f"cellflag: {error}")
    print(f"cellflag: {bundle}", file=sys.stderr)
    CellflagStack(app, names.stack_name(configuration.stage), configuration=configuration, bundle=bundle)
    check(app, configuration)
    app.synth()


def check(app: App, configuration: Configuration) -> None:
    """Add the rules of cdk-nag: a rule that is broken and not acknowledged fails the synthesis."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(), *([HIPAASecurityChecks()] if configuration.hipaa else []))


if __name__ == "__main__":
    main()
