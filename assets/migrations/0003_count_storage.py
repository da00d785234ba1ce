"""Count the bytes that each organization's originals take, which quotas are checked against."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce


def count(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    assets = apps.get_model("assets", "Asset").objects.filter(library__organization=OuterRef("pk"))
    used = assets.order_by().values("library__organization").annotate(used=Sum("size")).values("used")
    apps.get_model("orgs", "Organization").objects.update(storage_used=Coalesce(Subquery(used), 0))


class Migration(migrations.Migration):
    dependencies = [("assets", "0002_approval_history_derivatives"), ("orgs", "0002_quotas")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
