"""What `zk doctor` tells of a server, in English."""

from typing import Final

MESSAGES: Final = {
    "help.doctor.metrics": "A server's metrics port, as http://127.0.0.1:9464.",
    "help.doctor.data": "A server's folder: looks at its disk, schema and certificate.",
    "help.doctor.operator_token_file": "File with the operator's token; asks what it alone is told.",
    "doctor.name.status": "Operator's status",
    "doctor.status": (
        "{version}; workers: {workers}, replaced {restarts}; {pending} entries wait; limits (a second/at "
        "once/calls) of strangers {anonymous}, of callers {named}."
    ),
    "doctor.name.readiness": "Dependencies",
    "doctor.name.metrics": "Metrics port",
    "doctor.name.skew": "Clocks",
    "doctor.name.version": "Version",
    "doctor.name.disk": "Disk",
    "doctor.name.schema": "Schema",
    "doctor.name.certificate_file": "Certificate file",
    "doctor.readiness": "The service has all it depends on: {names}.",
    "doctor.readiness_missing": "The service is missing: {missing}.",
    "doctor.readiness_unknown": "The service does not tell what it depends on.",
    "doctor.readiness_unasked": "The service does not answer for its health ({problem}).",
    "doctor.metrics": "{url} says that callers can be served.",
    "doctor.metrics_missing": "{url} is missing: {missing}.",
    "doctor.metrics_silent": "{url} does not answer as a metrics port does ({problem}).",
    "doctor.skew": "The server's clock is {seconds} s ahead of this one.",
    "doctor.version": "The server and this command are {version} ({own}).",
    "doctor.version_other": "The server is {version}, this command {own}.",
    "doctor.disk": "{gigabytes} GB are left for {folder}.",
    "doctor.folder_missing": "{folder} is no folder that can be read.",
    "doctor.schema": "The database has this program's schema: {schema}.",
    "doctor.schema_other": "The database has schema {schema}, this program {needed}.",
    "doctor.schema_none": "There is no database yet.",
    "doctor.schema_unread": "The database cannot be read ({problem}).",
    "doctor.certificate_unread": "{path} cannot be read as a certificate ({problem}).",
}
