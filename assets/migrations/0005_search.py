"""Keep what searches find assets by, in each database's full text."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import assets.models

FULL_TEXT = {
    "sqlite": (
        # The entries hold the tokens; the index holds which token is where, and no positions. The ascii tokenizer
        # leaves alone what is folded already. The prefixes are those of words of two and three letters, after the
        # token's first.
        (
            "CREATE VIRTUAL TABLE assets_search USING fts5("
            "tokens, content='assets_searchentry', content_rowid='place', tokenize='ascii', detail=none, prefix='3 4')"
        ),
        "CREATE UNIQUE INDEX search_place_once ON assets_searchentry (place)",
        (
            "CREATE TRIGGER search_entry_made AFTER INSERT ON assets_searchentry BEGIN "
            "INSERT INTO assets_search (rowid, tokens) VALUES (new.place, new.tokens); END"
        ),
        (
            "CREATE TRIGGER search_entry_gone AFTER DELETE ON assets_searchentry BEGIN "
            "INSERT INTO assets_search (assets_search, rowid, tokens) VALUES ('delete', old.place, old.tokens); END"
        ),
        (
            "CREATE TRIGGER search_entry_changed AFTER UPDATE OF place, tokens ON assets_searchentry BEGIN "
            "INSERT INTO assets_search (assets_search, rowid, tokens) VALUES ('delete', old.place, old.tokens); "
            "INSERT INTO assets_search (rowid, tokens) VALUES (new.place, new.tokens); END"
        ),
    ),
    "postgresql": (
        # Without a list of what is still to be indexed, which every search would have to read through.
        "CREATE INDEX search_tokens ON assets_searchentry USING gin (tokens) WITH (fastupdate = off)",
    ),
}


def make_full_text(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in FULL_TEXT[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_full_text(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE assets_search")


class Migration(migrations.Migration):
    dependencies = [("assets", "0004_find_by_file"), ("orgs", "0002_quotas")]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "asset",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_entry",
                        serialize=False,
                        to="assets.asset",
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orgs.library"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
                ("place", models.BigIntegerField(help_text="Grows with the moment at which the asset was made.")),
                ("tokens", assets.models.Tokens()),
            ],
            options={
                "verbose_name_plural": "search entries",
                "indexes": [
                    models.Index(fields=["library", "-place", "-asset"], name="search_library_newest"),
                    models.Index(fields=["organization", "-place", "-asset"], name="search_organization_newest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LibraryWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "library",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orgs.library"
                    ),
                ),
                ("word", assets.models.FoldedWord(max_length=40)),
                (
                    "backwards",
                    assets.models.FoldedWord(
                        help_text="The word from its end, so that endings are ranges, too.", max_length=40
                    ),
                ),
                ("assets", models.IntegerField(help_text="How many hold it.")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("library", "word"), name="word_once_in_a_library")],
                "indexes": [models.Index(fields=["library", "backwards"], name="word_by_its_end")],
            },
        ),
        migrations.RunPython(make_full_text, drop_full_text),
    ]
