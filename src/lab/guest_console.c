/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lab's guest says, and what is typed to it; see private.h. */
#include <stdio.h>
#include <string.h>

#include "lab/private.h"

#define STEADY_ROUNDS	3 /* of one process; by then all have been heard of */
#define VERIFIED_ROUNDS 2 /* the first may have begun before the event */

void guest_stop_now(struct lab_guest *guest)
{
	machine_stop_at(guest->machine, machine_insns(guest->machine));
}

static struct process *find_process(struct lab_guest *guest, const char *name)
{
	for (unsigned i = 0; i < guest->nr_processes; i++)
		if (!strcmp(guest->processes[i].name, name))
			return &guest->processes[i];
	return NULL;
}

static void count_round(struct lab_guest *guest, const char *name)
{
	struct process *process = find_process(guest, name);

	if (!process && (!guest->seen || guest->workload == LAB_BOOT) &&
	    guest->nr_processes < MAX_PROCESSES) {
		process = &guest->processes[guest->nr_processes++];
		*process = (struct process){ .rounds = 0 };
		snprintf(process->name, sizeof(process->name), "%s", name);
	}
	if (!process)
		return;
	if (process->rounds < VERIFIED_ROUNDS)
		guest->progress = machine_insns(guest->machine);
	process->rounds++;
	if (guest->seen && guest->seen->nr_hits)
		guest->seen->rounds_after++;
}

/* One on each CPU, or one of each kind. */
static unsigned all_processes(const struct lab_guest *guest)
{
	return guest->nr_cpus * (guest->workload == LAB_MIXED ? LAB_MIXED - LAB_VICTIM : 1);
}

/* Has each process verified itself, and one of them @first times? */
static bool all_verified(const struct lab_guest *guest, unsigned first)
{
	unsigned most = 0;

	for (unsigned i = 0; i < guest->nr_processes; i++) {
		const unsigned rounds = guest->processes[i].rounds;

		if (rounds < VERIFIED_ROUNDS)
			return false;
		most = rounds > most ? rounds : most;
	}
	return guest->nr_processes >= all_processes(guest) && most >= first;
}

static void keep_note(struct lab_guest *guest, const struct lab_note *note)
{
	struct lab_observation *seen = guest->seen;

	if (seen->nr_notes == MAX_NOTES)
		return;
	seen->notes[seen->nr_notes] = *note;
	seen->notes[seen->nr_notes].console_at = seen->console_length;
	seen->notes[seen->nr_notes++].insns = machine_insns(guest->machine) - guest->start.insns;
}

static void take_note(struct lab_guest *guest, const struct lab_note *note)
{
	struct process *process = find_process(guest, note->process);

	if (note->type == LAB_NOTE_ROUND)
		count_round(guest, note->process);
	else if (note->type == LAB_NOTE_DIED && process)
		process->rounds = 0;
	if (!guest->seen)
		return;
	keep_note(guest, note);
	if (guest->step == guest->nr_steps && !guest->awaited &&
	    all_verified(guest, guest->workload == LAB_BOOT ? STEADY_ROUNDS : VERIFIED_ROUNDS)) {
		guest->seen->end = LAB_END_DONE;
		guest_stop_now(guest);
	}
}

static void take_line(struct lab_guest *guest)
{
	struct notes_line line;

	if (guest->line[0])
		snprintf(guest->last_line, sizeof(guest->last_line), "%s", guest->line);
	/* A panic that does not end the machine loops for ever behind this line. */
	if (guest->seen && strstr(guest->line, "---[ end Kernel panic")) {
		guest->seen->end = LAB_END_PANICKED;
		guest_stop_now(guest);
	}
	notes_parse(guest->line, &line);
	switch (line.kind) {
	case NOTES_OTHER:
		break;
	case NOTES_READY:
		guest->ready = true;
		guest->nr_cpus = line.cpus < 1 ? 1 : line.cpus;
		snprintf(guest->release, sizeof(guest->release), "%s", line.release);
		guest_stop_now(guest);
		break;
	case NOTES_NOTE:
		take_note(guest, &line.note);
		if (!guest->seen && !guest->steady && all_verified(guest, STEADY_ROUNDS)) {
			guest->steady = true;
			guest_stop_now(guest);
		}
		break;
	}
}

static void keep_output(struct lab_observation *seen, const char *bytes, unsigned length)
{
	size_t room = seen->console_size - 1 - seen->console_length;

	if (length > room) {
		seen->console_cut = true;
		length = (unsigned)room;
	}
	memcpy(seen->console + seen->console_length, bytes, length);
	seen->console_length += length;
	seen->console[seen->console_length] = '\0';
}

void guest_console_write(void *opaque, const void *buf, unsigned length)
{
	struct lab_guest *guest = opaque;
	const char *bytes = buf;

	guest->spoke = machine_insns(guest->machine);
	if (guest->seen)
		keep_output(guest->seen, bytes, length);
	for (unsigned i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			guest->line[guest->line_length] = '\0';
			take_line(guest);
			guest->line_length = 0;
		} else if (bytes[i] && bytes[i] != '\r' &&
			   guest->line_length < sizeof(guest->line) - 1) {
			guest->line[guest->line_length++] = bytes[i];
		}
	}
}

unsigned guest_console_read(void *opaque, void *buf, unsigned length)
{
	struct lab_guest *guest = opaque;
	size_t left = guest->input_length - guest->input_at;

	if (length > left)
		length = (unsigned)left;
	memcpy(buf, guest->input + guest->input_at, length);
	guest->input_at += length;
	return length;
}

void guest_type(struct lab_guest *guest, const char *text)
{
	guest->input_length = (size_t)snprintf(guest->input, sizeof(guest->input), "%s", text);
	guest->input_at = 0;
	machine_console_input(guest->machine);
}
