"""Faults in stored files: their ids, their documents, their digests, what is undone."""

from tests.craft.mutations.fault import Fault

_FILES = "runtime/files.py"
_FIRST = ("file_storage",)

FAULTS = (
    Fault(
        "the id of any table names a file",
        _FILES,
        "if number != STORAGE_TABLE_NUMBER:",
        "if number == 0:",
        "whoever passes the id of the message instead of that of its picture",
        _FIRST,
    ),
    Fault(
        "a file is a byte too large",
        _FILES,
        '"size": float(len(body))}',
        '"size": float(len(body) + 1)}',
        "whoever adds up what users have stored",
        _FIRST,
    ),
    Fault(
        "a digest is not looked at",
        _FILES,
        "if named not in (None, actual):",
        "if named not in (None, actual, named):",
        "whoever stores files that may arrive damaged",
        _FIRST,
    ),
    Fault(
        "a file that is not there can be deleted",
        _FILES,
        '            raise DeploymentError(f"storage id {file_id.text} not found", code="StorageIdNotFound")',
        "            return",
        "whoever deletes twice and should notice",
        _FIRST,
    ),
    Fault(
        "a mutation's files are not part of its transaction",
        "runtime/inner_calls.py",
        "        yield self._executor.files_of(self._transaction)",
        "        yield self._executor.files_of(self._executor.begin())\n        self._executor.store.log.clear()",
        "whoever deletes a file in a mutation that fails",
        _FIRST,
    ),
)
