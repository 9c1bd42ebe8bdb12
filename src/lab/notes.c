/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the lines of the lab's userland; see notes.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/notes.h"

/* Copies a word and moves past it and the blank that follows. */
static bool take_word(const char **text, char *word, size_t size)
{
	size_t length = strcspn(*text, " ");

	if (!length || length >= size)
		return false;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += length + ((*text)[length] == ' ');
	return true;
}

static bool take_number(const char **text, unsigned *number)
{
	char word[11], *end;

	if (!take_word(text, word, sizeof(word)) || word[0] < '0' || word[0] > '9')
		return false;
	*number = (unsigned)strtoul(word, &end, 10);
	return !*end;
}

static bool parse_note(const char *text, struct lab_note *note)
{
	static const char *const words[] = {
		[LAB_NOTE_ROUND] = "round",
		[LAB_NOTE_CORRUPT] = "corrupt",
		[LAB_NOTE_DIED] = "died",
		[LAB_NOTE_FAILED] = "failed",
	};
	unsigned type, signal = 0;
	char word[16];

	if (!take_word(&text, word, sizeof(word)))
		return false;
	for (type = 0; type < sizeof(words) / sizeof(words[0]); type++)
		if (!strcmp(words[type], word))
			break;
	if (type == sizeof(words) / sizeof(words[0]) ||
	    !take_word(&text, note->process, sizeof(note->process)))
		return false;
	note->type = (enum lab_note_type)type;
	if (note->type == LAB_NOTE_DIED) {
		if (!take_word(&text, word, sizeof(word)) || strcmp(word, "signal") ||
		    !take_number(&text, &signal))
			return false;
		note->signal = (int)signal;
	}
	snprintf(note->text, sizeof(note->text), "%s", text);
	return true;
}

void notes_parse(const char *line, struct notes_line *parsed)
{
	static const char mark[] = "fwnmi-lab: ";
	const char *text = strstr(line, mark);
	char word[16];
	const char *rest;

	*parsed = (struct notes_line){ .kind = NOTES_OTHER };
	if (!text)
		return;
	text += sizeof(mark) - 1;
	if (parse_note(text, &parsed->note)) {
		parsed->kind = NOTES_NOTE;
		return;
	}
	rest = text;
	if (take_word(&rest, word, sizeof(word)) && !strcmp(word, "ready") &&
	    take_number(&rest, &parsed->cpus) &&
	    take_word(&rest, parsed->release, sizeof(parsed->release)))
		parsed->kind = NOTES_READY;
}
