"""Know whose files the storage holds, and which of them a clean-up found without a row."""

from django.db import migrations, models

import assets.models


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0009_derive_by_library"),
    ]

    operations = [
        migrations.CreateModel(
            name="Leftover",
            fields=[
                (
                    "name",
                    models.CharField(help_text="In the storage.", max_length=200, primary_key=True, serialize=False),
                ),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("found", models.DateTimeField(db_index=True, help_text="When a clean-up found it first.")),
                ("seen", models.DateTimeField(db_index=True, help_text="When a clean-up found it last.")),
            ],
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "identity",
                    models.CharField(
                        default=assets.models.new_token, help_text="Of this installation; random.", max_length=32
                    ),
                ),
                (
                    "generation",
                    models.CharField(
                        default=assets.models.new_token,
                        help_text="Changes with each clean-up of stored files, so that copies differ.",
                        max_length=32,
                    ),
                ),
                (
                    "previous_generation",
                    models.CharField(
                        blank=True,
                        help_text="What the storage still has after a crash between the two writes.",
                        max_length=32,
                    ),
                ),
                ("renewed", models.DateTimeField(help_text="When the generation changed last.", null=True)),
                (
                    "newest_upload",
                    models.DateTimeField(help_text="At least as late as what the storage has, to a minute.", null=True),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_installation")],
            },
        ),
    ]
