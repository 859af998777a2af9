"""The tests run the tools of .venv, with fake AWS credentials and without telemetry."""

import os
import sys
from pathlib import Path

os.environ.update(
    PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    SAM_CLI_TELEMETRY="0",
    AWS_REGION="us-east-1",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
)
# The hook is in a separate folder, which Lambda gets as it is.
sys.path.insert(0, str(Path(__file__).parent / "hook"))
