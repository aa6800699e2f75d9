"""The CDK runs on the Node that the project brings."""

import os

from infra.toolkit import node_folder

os.environ["JSII_NODE"] = str(node_folder() / "node")
