"""Where static files lie: under names that tell their content, and compressed beforehand."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

SOURCE_MAP = "sourceMappingURL"


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Leaves the source maps alone that a packaged build names and does not bring."""

    patterns = tuple(
        (suffix, tuple(pattern for pattern in patterns if SOURCE_MAP not in str(pattern)))
        for suffix, patterns in CompressedManifestStaticFilesStorage.patterns
    )
