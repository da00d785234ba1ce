"""Tasks for staff to see what waits, what died and why."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from raster.read_only_admin import ReadOnlyAdmin
from raster.tasks.models import QueuedTask
from raster.tasks.queue import try_again


@admin.register(QueuedTask)
class QueuedTaskAdmin(ReadOnlyAdmin):
    list_display = ("task", "about", "queue_name", "created", "attempts", "due", "expires", "died", "error")
    list_filter = (("died", admin.EmptyFieldListFilter), "task")
    search_fields = ("about", "queue_name")
    ordering = ("-pk",)
    exclude = ("arguments",)
    actions = ("try_again",)

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.change_queuedtask")

    @admin.action(description="Try the selected dead tasks again", permissions=["try_again"])
    def try_again(self, request: HttpRequest, rows: QuerySet[QueuedTask]) -> None:
        count = try_again(rows)
        if count:
            self.message_user(request, f"{count} of the selected tasks will be tried again.", messages.SUCCESS)
        else:
            self.message_user(request, "None of the selected tasks is dead and has not expired.", messages.WARNING)
