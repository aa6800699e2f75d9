"""The ledger as an Athena table, with named queries.

Athena works out the days of the table from the keys (partition projection), so no crawler is needed.
"""

from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.settings.configuration import Configuration
from infra.stack.storage import Storage
from lambda_fn.keys import LEDGER, QUERIES

QUERY_FOLDER = Path(__file__).with_name("queries")
TABLE = "ledger"
# The first day of the table; nothing was scored before.
FIRST_DAY = "2026-11-01"

# Athena ends a query that reads more. Such a query has cost 0.50 USD and read about 100 million results.
SCAN_LIMIT_BYTES = 100 * 1000**3

_SPOTS = "struct<number:int,area_px:bigint,places:array<struct<x:double,y:double,area_px:bigint>>>"
_MORPHOLOGY = (
    "struct<cell_area_px:bigint,equivalent_diameter_px:double,perimeter_px:double,circularity:double,solidity:double,"
    "aspect:double,clefts:struct<number:int,deepest:double,places:array<struct<x:double,y:double,depth:double,"
    f"width:double>>>,chromatin_cv:double,pale_spots:{_SPOTS},separability:double,nucleus_area_px:bigint,"
    f"nc_ratio:double,vacuoles:{_SPOTS},touches_frame:boolean,not_measured:map<string,string>,um_per_px:double,"
    "cell_area_um2:double,equivalent_diameter_um:double>"
)
# The fields of ``lambda_fn.results.LedgerLine`` with their types in Athena.
COLUMNS = {
    "schema": "string",
    "status": "string",
    "image": "struct<bucket:string,key:string,version_id:string,etag:string,sha256:string,bytes:bigint,format:string,"
    "width:int,height:int,resampled_by:double>",
    "prediction": "struct<label:string,probability_all:double>",
    "decision": "string",
    "review": "struct<required:boolean,reasons:array<string>>",
    "morphology": _MORPHOLOGY,
    "explanation": "struct<logit:double,baseline_logit:double,other:map<string,double>,residual:double,"
    "nearest:struct<stored_cell:int,distance:double,colour_distance:double>>",
    "explanation_missing": "string",
    "model": "struct<version:string,sha256:string,thresholds:string>",
    "timing_ms": "struct<read:double,decode:double,infer:double,explain:double>",
    "scored_at": "string",
    "error": "struct<code:string,message:string>",
    "outcome": "string",
}


def query(name: str) -> tuple[str, str]:
    """The description and the SQL of a file in the folder ``queries``; the SQL reads the view ``newest``."""
    description, _, sql = (QUERY_FOLDER / f"{name}.sql").read_text("utf-8").partition("\n")
    newest = (QUERY_FOLDER / "newest.sql").read_text("utf-8")
    return description.removeprefix("-- "), f"with newest as (\n{newest})\n{sql}"


def query_names() -> list[str]:
    """The names of all queries."""
    return sorted(path.stem for path in QUERY_FOLDER.glob("*.sql") if path.stem != "newest")


class Ledger(Construct):
    """A Glue table over ``ledger/dt=YYYY-MM-DD/*.jsonl``, and an Athena workgroup with named queries.

    Attributes:
        workgroup: the workgroup, which limits the bytes that a query may read.
    """

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration, storage: Storage) -> None:
        """Describe the ledger in the results bucket of ``storage``; readers need their own rights to the bucket."""
        super().__init__(scope, construct_id)
        stack, bucket = Stack.of(self), storage.results.bucket_name
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=stack.stack_name.replace("-", "_")),
        )
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=stack.account,
            database_name=database.ref,
            table_input=_table(bucket),
        )
        encryption = athena.CfnWorkGroup.EncryptionConfigurationProperty(
            encryption_option="SSE_KMS" if storage.key else "SSE_S3",
            kms_key=storage.key.key_arn if storage.key else None,
        )
        self.workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=stack.stack_name,
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                bytes_scanned_cutoff_per_query=SCAN_LIMIT_BYTES,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket}/{QUERIES}", encryption_configuration=encryption
                ),
            ),
        )
        if configuration.target == "aws":  # the local cloud has no named queries
            self._queries(database, table)

    def _queries(self, database: glue.CfnDatabase, table: glue.CfnTable) -> None:
        for name in query_names():
            description, sql = query(name)
            named_query = athena.CfnNamedQuery(
                self,
                name.title().replace("_", ""),
                name=name,
                description=description,
                database=database.ref,
                query_string=sql,
                work_group=self.workgroup.name,
            )
            for resource in (table, self.workgroup):
                named_query.add_resource_dependency(resource)


def _table(bucket: str) -> glue.CfnTable.TableInputProperty:
    """The table over the ledger in ``bucket``; its partition ``dt`` is the day in a key."""
    return glue.CfnTable.TableInputProperty(
        name=TABLE,
        table_type="EXTERNAL_TABLE",
        partition_keys=[glue.CfnTable.ColumnProperty(name="dt", type="string")],
        # https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
        parameters={
            "projection.enabled": "true",
            "projection.dt.type": "date",
            "projection.dt.format": "yyyy-MM-dd",
            "projection.dt.range": f"{FIRST_DAY},NOW",
            "storage.location.template": f"s3://{bucket}/{LEDGER}dt=${{dt}}/",
        },
        storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
            columns=[glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in COLUMNS.items()],
            location=f"s3://{bucket}/{LEDGER}",
            input_format="org.apache.hadoop.mapred.TextInputFormat",
            output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library="org.openx.data.jsonserde.JsonSerDe"),
        ),
    )
