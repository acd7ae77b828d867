"""Faults of the exactly-once layer, the stores and the tables."""

from __future__ import annotations

from tests.seeded_bugs.bug import Bug

__all__ = ["LAYER_BUGS"]

LANE, LANES = "app/exactly_once/lane.py", "app/exactly_once/lanes.py"
WRITER, RESTORE = "app/exactly_once/transactions.py", "app/exactly_once/restore.py"
OFFSETS, PACE = "app/exactly_once/offsets.py", "app/exactly_once/pace.py"
EPOCHS = "app/exactly_once/epochs.py"
CONSUMER, STORE = "app/exactly_once/consumer.py", "tables/stores/rocksdb.py"
UNIT = ("tests/unit/exactly_once",)
STORES = ("tests/contract/test_stores.py", "tests/contract/test_store_damage.py", "tests/contract/test_store_kill.py")
TABLES = ("tests/contract/test_tables.py", "tests/unit/exactly_once", "tests/unit/processor")
BROKER = "tests/integration/"
FAULTS = (BROKER + "test_faults.py",)
LIVES = (BROKER + "test_lives.py",)
STALE = (BROKER + "test_stale_requests.py",)
BAD = (BROKER + "test_bad_input.py",)
MEMBERS = (BROKER + "test_membership.py",)

APPLY = """                for table, puts in effects.puts.items():
                    if puts:
                        self._stores[table].apply(puts, ends[table])
"""
COMMIT = "                ends = await self._writer.commit(effects.puts, effects.emits, offsets)\n"

LAYER_BUGS = [
    Bug("offsets + 1", LANE, "fetched.records[-1].offset + 1 for", "fetched.records[-1].offset + 2 for", UNIT),
    Bug("offsets - 1", LANE, "fetched.records[-1].offset + 1 for", "fetched.records[-1].offset for", UNIT),
    Bug(
        "the stores are written before the commit", LANE, COMMIT,
        "                for table, puts in effects.puts.items():\n                    self._stores[table].apply(puts, 0)\n" + COMMIT, UNIT,
    ),
    Bug("the stores are not written", LANE, APPLY, "                pass\n", UNIT),
    Bug("a fence counts as success", LANE, "            self.state = LaneState.FENCED\n", "            done = True\n", UNIT),
    Bug("after a fence the lane goes on", LANE, "            self.state = LaneState.FENCED\n", "", UNIT),
    Bug("an aborted batch is not told to the job", LANE, "                self._job.aborted()\n", "", UNIT),
    Bug("an aborted batch counts as committed", LANE, "self._job.aborted()", "self._job.committed()", UNIT),
    Bug("an unknown outcome is taken for a failure and passed over", LANE,
        "            raise TransactionOutcomeUnknown(f\"lane {self.partition}: {error!r}\") from error\n", "            log.info(\"%r\", error)\n", UNIT),
    Bug("offsets are left out of the transaction", LANE, "effects.emits, offsets)\n", "effects.emits, {})\n", UNIT),
    Bug("outputs are left out of the transaction", LANE, "effects.puts, effects.emits, offsets)\n", "effects.puts, (), offsets)\n", UNIT),
    Bug("records taken before are taken again", LANE, "if record.offset >= start", "if record.offset >= 0", UNIT),
    Bug("a batch without bounds", LANE, "            if len(fetched.records) > room:\n", "            if False:\n", UNIT),
    Bug("what is left of a split fetch is lost", LANE, "                self._queue.appendleft(rest)\n", "", UNIT),
    Bug("all lanes work at once", PACE, "LOOP_ROUNDS: Final = 8", "LOOP_ROUNDS: Final = 0", UNIT),
    Bug("a finishing lane begins another batch", LANE, "        self._finishing = True\n", "        pass\n", UNIT),
    Bug("no fencing", LANES, "                group.create_task(producer.start())\n", "                pass\n", UNIT),
    Bug("restore before the fence", LANES, "        await self._fence(partitions)\n        fenced = monotonic()\n", "        fenced = monotonic()\n", UNIT),
    Bug("records of an earlier epoch are taken", LANES, "if epoch != self._epoch or lane is None", "if lane is None", UNIT),
    Bug("the control plane is not waited for", LANES, "            await self._reached({tp: ends[tp] for tp in tps})\n", "", UNIT),
    Bug("forwarded records are let through with the rest", LANES,
        "            (LaneState.FORWARDED, (self.settings.forwarded_topic,)),\n", "", UNIT),
    Bug("a lane of parted topics is accepted", LANES, "            if missing:\n                raise NotColocated", "            if False:\n                raise NotColocated", UNIT),
    Bug("a revoked lane works on", LANES, "            task.cancel()\n", "            pass\n", UNIT),
    Bug("a full lane is not held back", LANES, "            self._flow.pause_partitions(self._open[lane.partition])\n", "            pass\n", UNIT),
    Bug("a lane that had been full stays shut", LANES, "            self._full.discard(lane.partition)\n            self._flow.resume_partitions(self._open[lane.partition])\n", "            self._full.discard(lane.partition)\n", UNIT),
    Bug("nobody watches whether lanes move", LANES, "                if lane.still_for_seconds > self._still_seconds_max(lane):\n", "                if False:\n", UNIT),
    Bug("what a lane raises is lost", LANES, "                self._crash(error)\n", "                log.info(\"%r\", error)\n", UNIT),
    Bug("the stop does not wait for a running batch", LANES, "any(lane.in_transaction for lane in self._lanes.values())", "False", UNIT),
    Bug("committed offsets are ignored", LANES, "    if committed is None:\n        return first\n", "    if committed is None or committed:\n        return first\n", UNIT),
    Bug("a coordinator that is loading is taken to know of no offsets", OFFSETS, "all(tp in found for tp in tps)", "(found := dict.fromkeys(tps, OffsetAndMetadata(-1, \"\")) | found)",
        UNIT),
    Bug("no offset committed counts as offset -1", OFFSETS, "None if found[tp].offset == NEVER_COMMITTED else int", "int", UNIT),
    Bug("cells and position are written apart", STORE,
        "        batch.put(POSITION_KEY, b\"%d\" % position)\n        try:\n            self._db.write(batch, self._write)\n",
        "        try:\n            self._db.write(batch, self._write)\n            self._db.put(POSITION_KEY, b\"%d\" % position, self._write)\n",
        ("tests/contract/test_store_kill.py",)),
    Bug("RocksDB keeps a log of its own", STORE, "        self._write.disable_wal = True", "        self._write.sync = False", STORES),
    Bug("an iterator that stops at a damaged block has come to the end", STORE, "            found.status()\n", "            pass\n", STORES),
    Bug("a damage leaves no mark", STORE, "            mark.write(said)\n", "            self._path.joinpath(DAMAGED_MARK).unlink()\n", STORES),
    Bug("a full disk counts as a damaged store", STORE, "        if said.startswith(\"IO error\") and", "        if False and", STORES),
    Bug("a damaged block counts as a locked store", STORE, "        if \"While lock file\" in said or", "        if \"lock\" in said or", STORES),
    Bug("a store that fails after the commit is taken for an unknown outcome", LANE, "        except StoreFailed:\n            raise", "        except ZeroDivisionError:\n            raise", UNIT),
    Bug("a store is gone on from however old it is", "app/exactly_once/tables.py", "    if age is not None and age > age_seconds_max:\n", "    if False:\n", ("tests/contract/test_store_age.py",)),
    Bug("the position is not kept", STORE, "        batch.put(POSITION_KEY, b\"%d\" % position)\n", "", STORES),
    Bug("deletions are forgotten", STORE, "                batch.delete(CELL_PREFIX + key)\n", "                pass\n", STORES),
    Bug("clear keeps the cells", STORE, "        self.delete(self._path)\n", "", STORES),
    Bug("an aborted batch stays in the overlay", "tables/lane_tables.py", "        for table in self._all.values():\n            table.forget()\n", "        pass\n", TABLES),
    Bug("restore reads uncommitted records", RESTORE, '        isolation_level="read_committed",\n', '        isolation_level="read_uncommitted",\n', (BROKER + "test_layer.py",)),
    Bug("restore begins at the start of what a store knows", RESTORE, "first if known is None else max(known, first)", "first", LIVES),
    Bug("restore ends before the end", RESTORE, "if position >= self._ends[tp]:", "if position >= self._ends[tp] - 40:", (BROKER + "test_layer.py",)),
    Bug("the consumer reads uncommitted records", CONSUMER, '            isolation_level="read_committed",\n', '            isolation_level="read_uncommitted",\n', (BROKER + "test_layer.py",)),
    Bug("a worker that was replaced under its name joins again", CONSUMER, "if self._member is not None and await", "if False and await", MEMBERS),
    Bug("the instance id is not told to the group", CONSUMER, "            group_instance_id=settings.group_instance_id,\n", "", MEMBERS),
    Bug("errors of the group are told to nobody", CONSUMER, "                    self._consumer._coordinator.check_errors()\n", "                    pass\n", MEMBERS),
    Bug("topics that were not there at the assignment are not asked for", CONSUMER, "            consumer._client.force_metadata_update()\n", "            pass\n", UNIT),
    Bug("the seek is left out", CONSUMER, "            consumer.seek(tp, offset)\n", "            pass\n", UNIT),
    Bug("outputs and forwarded records leave in a transaction of their own", LANE, COMMIT,
        "                ends = await self._writer.commit(effects.puts, (), offsets)\n"
        "                await self._writer.commit({}, effects.emits, {})\n", UNIT),
    Bug("a slow transaction takes no new epoch", WRITER, "            if self._suspect:\n", "            if False:\n", STALE),
    Bug("only a slow commit is suspect, not slow offsets", WRITER, "                    with self._step():\n                        await producer.send_off", "                    if True:\n                        await producer.send_off", STALE),
    Bug("only a slow commit is suspect, not slow writes", WRITER, "                with self._step():\n                    written", "                if True:\n                    written", STALE),
    Bug("a slow commit is not suspect", WRITER, "                with self._step():\n                    await producer.commit", "                if True:\n                    await producer.commit", STALE),
    Bug("what followed from an error is told in its place", WRITER, "        raise cause from told\n", "        raise\n", UNIT),
    Bug("a refused transactional id has no name", WRITER, "            cause.args = (producer._txn_manager.transactional_id,)\n", "            pass\n", UNIT),
    Bug("a new epoch is taken whoever has the lane now", EPOCHS, "manager.producer_id, manager.producer_epoch, {}", "-1, -1, {}", STALE),
    Bug("the old epoch goes on after a new one was asked for", EPOCHS, "answer.producer_id, answer.producer_epoch)", "answer.producer_id, manager.producer_epoch)", STALE),
    Bug("sequence numbers go on in a new epoch", EPOCHS, "            manager._sequence_numbers.clear()\n", "", STALE),
    Bug("a worker that is refused a new epoch asks again", EPOCHS, "            raise ProducerFenced\n", "            continue\n", STALE),
    Bug("a fenced lane that nobody else has waits as long as any", LANES, "        if lane.state is LaneState.FENCED:\n            return min", "        if False:\n            return min", UNIT),
    Bug("a lane whose taking was disturbed is not taken again", WRITER, "                if not _passes(error):\n", "                if True:\n", STALE),
    Bug("nobody looks at Kafka's own topics", "app/kafka/topics.py", "return list(own_differences(", "return [] and list(own_differences(", (BROKER + "test_three_brokers.py",)),
    Bug("a check has the broker create what it asks after", "app/kafka/admin.py", "MetadataRequest(list(names), False)", "MetadataRequest(list(names), True)", (BROKER + "test_topics.py",)),
    Bug("records go to the lane's own partition only", WRITER, "self._partition if emit.partition is None else emit.partition", "self._partition", BAD),
]  # fmt: skip
"""The tests named are those that should see it; those under tests/integration start a Kafka."""
