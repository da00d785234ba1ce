"""Find an asset by its file, which the sweep asks for each file in the storage."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("assets", "0003_count_storage")]

    operations = [
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(fields=["file"], name="asset_of_file"),
        ),
    ]
