"""Forget the lease of a promote: it is one short transaction, which compares what it finds with what was there before."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("assets", "0006_fill_search")]

    operations = [migrations.RemoveField(model_name="asset", name="promoting_until")]
