"""Let searches find the assets that are there."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from assets.search_index import reindex


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # The index is kept by the code that reads it: of the models as they are today it asks for what was there before.
    if apps.get_model("assets", "Asset").objects.exists():
        for _ in reindex():
            pass


class Migration(migrations.Migration):
    dependencies = [("assets", "0005_search")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
