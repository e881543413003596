"""A school's enrolment site: the parent proves on the phone, and the form fills with what was proven."""
