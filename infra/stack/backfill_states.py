"""The states of a backfill: two Distributed Maps, and the child workflow that scores one batch of images."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.settings.configuration import EXPRESS_SECONDS, Configuration
from infra.stack.storage import Storage
from lambda_fn.keys import BACKFILLS

_BATCH_BYTES = 200_000
_SECOND_TRY_AFTER = Duration.seconds(5)
# Where a batch's workflow keeps the tally of its first and of its second try.
_FIRST, _AGAIN = "$.first.counts", "$.again.counts"
# What a ``BatchTally`` counts as an answer to an image. A version of the function from before the last ones, which a
# canary still runs, does not count those.
_ANSWERS = ("scored", "rejected", "unchanged", "gone")
_LATER_ANSWERS = ("stale", "withdrawn")
_NO_COUNTS = dict.fromkeys(("scored", "rejected", "review", "unchanged", "gone", "failed", "seconds"), 0)


class BackfillStates(Construct):
    """The states alone; ``infra.stack.backfill`` grants their rights.

    The CDK's states bring grants of their own, which cover the whole results bucket. ``sfn.StateMachine`` would add
    them, so the states are rendered here and the state machine receives their text.

    Attributes:
        definition: the states as a JSON object in Amazon States Language, https://states-language.net.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        storage: Storage,
        function: lambda_.IFunction,
    ) -> None:
        """Take images from a listing or from a list, and hand them to ``function`` in batches."""
        super().__init__(scope, construct_id)
        # The CDK ignores ``result_writer_v2`` without this flag.
        self.node.set_context("@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2", True)
        self._configuration, self._storage, self._function = configuration, storage, function
        listing = sfn.S3ObjectsItemReader(bucket=storage.images, prefix=sfn.JsonPath.string_at("$.prefix"))
        below_prefix = self._map("BelowPrefix", listing, Size=sfn.JsonPath.string_at("$$.Map.Item.Value.Size"))
        lines = sfn.S3JsonLItemReader(bucket=storage.results, key=sfn.JsonPath.string_at("$.list"))
        start = (
            sfn.Choice(self, "WhichImages")
            .when(sfn.Condition.is_present("$.list"), self._map("OfList", lines))
            .otherwise(below_prefix)
        )
        self.definition = sfn.StateGraph(start, "Backfill").to_graph_json()

    def _map(self, name: str, reader: sfn.IItemReader, **selected: str) -> sfn.DistributedMap:
        configuration = self._configuration
        # A listing names every key. The function skips those whose upload would not have been announced.
        announced = {"Prefix": configuration.images_prefix, "Suffix": configuration.images_suffix}
        express = configuration.timeout_seconds <= EXPRESS_SECONDS
        return sfn.DistributedMap(
            self,
            name,
            label=name,
            item_reader=reader,
            item_selector={
                "Bucket": self._storage.images.bucket_name,
                "Key": sfn.JsonPath.string_at("$$.Map.Item.Value.Key"),
                "Backfill": sfn.JsonPath.string_at("$.backfill"),
                # A second try of a batch writes the ledger's lines of results that are younger than the backfill.
                "Since": sfn.JsonPath.string_at("$$.Execution.StartTime"),
                **selected,
                **{setting: value for setting, value in announced.items() if value},
            },
            item_batcher=sfn.ItemBatcher(
                max_items_per_batch=configuration.backfill_batch_size, max_input_bytes_per_batch=_BATCH_BYTES
            ),
            max_concurrency=configuration.backfill_concurrency,
            tolerated_failure_percentage=configuration.backfill_tolerated_failure_percentage,
            map_execution_type=sfn.StateMachineType.EXPRESS if express else sfn.StateMachineType.STANDARD,
            result_writer_v2=sfn.ResultWriterV2(
                bucket=self._storage.results,
                prefix=BACKFILLS.removesuffix("/"),
                writer_config=sfn.WriterConfig(
                    output_type=sfn.OutputType.JSONL, transformation=sfn.Transformation.COMPACT
                ),
            ),
        ).item_processor(self._batch(name))

    def _batch(self, name: str) -> sfn.IChainable:
        """The child workflow of one batch. It returns the batch's ``BatchTally``, or ``{"tries": [first, second]}``.

        A failed image is counted, and its batch is tried once more. The call itself succeeds, so it raises no alarm and
        the other images keep their results. If both calls of the first try crash, the second try scores each image in a
        process of its own (``lambda_fn.isolation``), so an image that ends its process fails alone.
        """
        second_try = sfn.Wait(self, f"Wait{name}", time=sfn.WaitTime.duration(_SECOND_TRY_AFTER)).next(
            self._second_try(name)
        )
        judge = (
            sfn.Choice(self, f"Judge{name}")
            .when(sfn.Condition.number_greater_than(f"{_FIRST}.failed", 0), second_try)
            .otherwise(sfn.Succeed(self, f"Answered{name}", output_path=_FIRST))
        )
        crashed = sfn.Pass(
            self,
            f"Crashed{name}",
            result=sfn.Result.from_object({"crashed": True, "counts": _NO_COUNTS}),
            result_path=_FIRST.rpartition(".")[0],
        ).next(second_try)
        score = self._score(f"Score{name}", _FIRST)
        score.add_retry(errors=[sfn.Errors.ALL], interval=Duration.seconds(5), max_attempts=1)
        return score.add_catch(crashed, errors=[sfn.Errors.ALL], result_path="$.crash").next(judge)

    def _second_try(self, name: str) -> sfn.IChainable:
        """Score the batch again, and fail if not one of its images was answered.

        A fault that affects every image, such as a missing permission, thus fails every batch and ends the backfill.
        """
        failed = sfn.Condition.number_greater_than(f"{_AGAIN}.failed", 0)
        unanswered = [sfn.Condition.number_equals(f"{_AGAIN}.{count}", 0) for count in _ANSWERS]
        for count in _LATER_ANSWERS:
            path = f"{_AGAIN}.{count}"
            absent = sfn.Condition.is_not_present(path)
            unanswered.append(sfn.Condition.or_(absent, sfn.Condition.number_equals(path, 0)))
        nothing_answered = sfn.Fail(
            self,
            f"NothingAnswered{name}",
            error="NothingAnswered",
            cause_path=sfn.JsonPath.json_to_string(sfn.JsonPath.object_at(_AGAIN)),
        )
        tries = sfn.JsonPath.array(sfn.JsonPath.string_at(_FIRST), sfn.JsonPath.string_at(_AGAIN))
        judge = (
            sfn.Choice(self, f"JudgeAgain{name}")
            .when(sfn.Condition.and_(failed, *unanswered), nothing_answered)
            .otherwise(sfn.Pass(self, f"Counted{name}", parameters={"tries": tries}))
        )
        return self._score(f"ScoreAgain{name}", _AGAIN).next(judge)

    def _score(self, name: str, tally: str) -> sfn.TaskStateBase:
        """Call the function with the whole batch and put its tally at the path ``tally``; repeat a throttled call."""
        parent, _, field = tally.rpartition(".")
        return tasks.LambdaInvoke(
            self,
            name,
            lambda_function=self._function,
            payload=sfn.TaskInput.from_json_path_at("$"),
            result_selector={field: sfn.JsonPath.object_at("$.Payload")},
            result_path=parent,
            retry_on_service_exceptions=False,
        ).add_retry(
            errors=["Lambda.TooManyRequestsException"],
            interval=Duration.seconds(1),
            max_attempts=6,
            backoff_rate=2,
            max_delay=Duration.seconds(20),
            jitter_strategy=sfn.JitterType.FULL,
        )
