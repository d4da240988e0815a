"""Field masks of updates (AIP-134): which fields a request changes."""

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask

from server.services.problems import Problems


def masked(problems: Problems, mask: FieldMask, settable: Collection[str]) -> frozenset[str]:
    """Returns the fields that `update_mask` names, at least one; each that can't be changed is noted.

    There is no `*`: a field that a later release adds would be reset by callers who do not know it.
    """
    if not mask.paths:
        problems.add("update_mask", "REQUIRED", f"must name at least one of: {', '.join(settable)}")
    for index, path in enumerate(mask.paths):
        if path not in settable:
            problems.add(
                f"update_mask.paths[{index}]", "PATH_NOT_SETTABLE", f"must be one of: {', '.join(settable)}"
            )
    return frozenset(mask.paths) & frozenset(settable)
