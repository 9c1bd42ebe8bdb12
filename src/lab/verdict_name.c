/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of verdicts, as results and reports have them; see verdict.h. */
#include <string.h>

#include "lab/rule.h"

static const char *const names[LAB_VERDICTS] = {
	[LAB_RECOVERED] = "recovered",
	[LAB_KILLED] = "killed",
	[LAB_KILLED_WRONG] = "killed-wrong",
	[LAB_OOPS] = "oops",
	[LAB_PANIC] = "panic",
	[LAB_OS_TERM] = "os-term",
	[LAB_CHECKSTOP] = "checkstop",
	[LAB_HANG] = "hang",
	[LAB_LOST] = "lost",
	[LAB_MISREPORTED] = "misreported",
	[LAB_CORRUPTED] = "corrupted",
	[LAB_NOT_REACHED] = "not-reached",
};

const char *lab_verdict_name(enum lab_verdict verdict)
{
	return verdict < LAB_VERDICTS ? names[verdict] : "unknown";
}

bool lab_verdict_parse(const char *name, enum lab_verdict *verdict)
{
	for (unsigned i = 0; i < LAB_VERDICTS; i++) {
		if (!strcmp(name, names[i])) {
			*verdict = i;
			return true;
		}
	}
	return false;
}
