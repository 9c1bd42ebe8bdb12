/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a lab's guest says on its console: lines of its own userland, see payload/lab/README. The
 * text is the guest's, and anything may stand in it.
 */
#ifndef FWNMI_LAB_NOTES_H
#define FWNMI_LAB_NOTES_H

#include "lab/observation.h"

#define NOTES_LINE_MAX 256 /* longer lines are cut */

enum notes_line_kind {
	NOTES_OTHER, /* not a line of the userland's */
	NOTES_READY, /* cpus, release */
	NOTES_NOTE, /* note, without console_at and insns */
};

struct notes_line {
	enum notes_line_kind kind;
	unsigned cpus;
	char release[64];
	struct lab_note note;
};

/** notes_parse() - read one line without its newline */
void notes_parse(const char *line, struct notes_line *parsed);

#endif
