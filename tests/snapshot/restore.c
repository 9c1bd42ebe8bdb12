/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine that is stopped, saved and loaded into another one goes on as it would have: the same
 * instructions, the same memory, the same console. Speaks TAP.
 *
 * usage: restore [-smp N] [-m MiB] [-cpu NAME] [-initrd FILE] [-append ARGS] [-poison on]
 *		[-until INSNS] KERNEL
 *
 * One machine runs to its guest's end, or to instruction INSNS; another stops several times on its
 * way there. The clock counts instructions. With -poison, the end of memory is poisoned, which a
 * guest must not use then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/engine.h"
#include "machine/machine.h"
#include "machine/snapshot.h"

#include "machine_options.h"

#define POINTS	   7
#define PAGE_BYTES 4096

struct page {
	uint64_t address;
	uint8_t bytes[PAGE_BYTES];
};

struct run {
	struct machine *machine;
	char console[1 << 20];
	size_t console_len;
};

struct moment {
	uint64_t insns;
	void *state;
	size_t state_size;
	struct page *pages; /* of memory and hash tables, those that are not all zeros */
	size_t nr_pages;
	size_t console_len;
	unsigned nr_planted;
};

static uint64_t until = ENGINE_NO_STOP;
static unsigned poison; /* poisoned ranges */

static void console_write(void *opaque, const void *buf, unsigned len)
{
	struct run *run = opaque;

	if (len > sizeof(run->console) - run->console_len)
		len = (unsigned)(sizeof(run->console) - run->console_len);
	memcpy(run->console + run->console_len, buf, len);
	run->console_len += len;
}

static void start(struct run *run)
{
	char err[256];

	run->console_len = 0;
	run->machine = machine_create(&config, err, sizeof(err));
	if (!run->machine)
		die("cannot create the machine", err);
	machine_set_console(run->machine, console_write, NULL, run);
}

/* Returns false if the guest ended before that. */
static bool run_to(struct run *run, uint64_t insns)
{
	char why[256];

	machine_stop_at(run->machine, insns);
	return machine_run(run->machine, why, sizeof(why)) == MACHINE_STOPPED;
}

/* Untouched memory is not looked at: it would be touched by that. */
static void note_pages(const struct guest_memory *memory, struct moment *at)
{
	static const uint8_t zeros[PAGE_BYTES];
	const size_t count = memory_extent(memory) / PAGE_BYTES;
	unsigned char *resident = malloc(count);

	at->pages = NULL;
	at->nr_pages = 0;
	if (!resident || mincore(memory->base, memory_extent(memory), resident))
		die("cannot save", "mincore");
	for (size_t i = 0; i < count; i++) {
		const uint8_t *bytes = memory->base + i * PAGE_BYTES;

		if (!(resident[i] & 1) || !memcmp(bytes, zeros, PAGE_BYTES))
			continue;
		if (!(at->nr_pages & (at->nr_pages - 1)))
			at->pages =
				realloc(at->pages, (2 * at->nr_pages + 1) * sizeof(at->pages[0]));
		if (!at->pages)
			die("cannot save", "out of memory");
		at->pages[at->nr_pages].address = i * PAGE_BYTES;
		memcpy(at->pages[at->nr_pages++].bytes, bytes, PAGE_BYTES);
	}
	free(resident);
}

static unsigned nr_planted(const struct run *run)
{
	const struct engine_planted *list;

	return machine_planted(run->machine, &list);
}

static void note(struct run *run, struct moment *at)
{
	const struct guest_memory *memory = machine_memory(run->machine);
	char err[256];

	at->insns = machine_insns(run->machine);
	at->console_len = run->console_len;
	at->nr_planted = nr_planted(run);
	at->state = machine_save(run->machine, &at->state_size, err, sizeof(err));
	if (!at->state)
		die("cannot save", err);
	note_pages(memory, at);
}

static void forget(struct moment *at)
{
	free(at->state);
	free(at->pages);
}

static void load(struct run *run, const struct moment *from)
{
	const struct guest_memory *memory = machine_memory(run->machine);
	char err[256];

	madvise(memory->base, memory_extent(memory), MADV_DONTNEED); /* what its loader put there */
	for (size_t i = 0; i < from->nr_pages; i++)
		memcpy(memory->base + from->pages[i].address, from->pages[i].bytes, PAGE_BYTES);
	if (!machine_load(run->machine, from->state, from->state_size, err, sizeof(err)))
		die("cannot load", err);
	if (memory->nr_poisoned != poison)
		die("cannot load", "the poison is lost");
	if (nr_planted(run) != from->nr_planted)
		die("cannot load", "the planted errors are lost");
}

static void show_difference(const struct moment *a, const struct moment *b)
{
	printf("# instructions %llu, %llu; state %zu, %zu bytes; %zu, %zu pages\n",
	       (unsigned long long)a->insns, (unsigned long long)b->insns, a->state_size,
	       b->state_size, a->nr_pages, b->nr_pages);
	for (size_t i = 0; i < a->state_size && i < b->state_size; i++)
		if (((uint8_t *)a->state)[i] != ((uint8_t *)b->state)[i]) {
			printf("# the states differ at byte 0x%zx\n", i);
			break;
		}
	for (size_t i = 0; i < a->nr_pages && i < b->nr_pages; i++)
		if (memcmp(&a->pages[i], &b->pages[i], sizeof(a->pages[i]))) {
			printf("# the memories differ at 0x%llx or 0x%llx\n",
			       (unsigned long long)a->pages[i].address,
			       (unsigned long long)b->pages[i].address);
			break;
		}
}

static bool same(const struct moment *a, const struct moment *b)
{
	bool good = a->insns == b->insns && a->state_size == b->state_size &&
		    !memcmp(a->state, b->state, a->state_size) && a->nr_pages == b->nr_pages &&
		    !memcmp(a->pages, b->pages, a->nr_pages * sizeof(a->pages[0]));

	if (!good)
		show_difference(a, b);
	return good;
}

static struct run unstopped, stopped, again;
static struct moment moments[POINTS + 1]; /* of the machine that stops; the last is the end */

/* It must be in the state, though nobody meets it. */
static void start_with_poison(struct run *run)
{
	const struct engine_planted planted = { .first = 0x5000,
						.last = 0x5fff,
						.pid = 12345,
						.vcpu = (uint8_t)(config.nr_vcpus - 1),
						.where = ENGINE_TLB };
	char err[256];

	start(run);
	if (poison && !machine_plant(run->machine, &planted, err, sizeof(err)))
		die("cannot plant", err);
	if (poison && !machine_poison(run->machine, machine_memory(run->machine)->size - 256, 128,
				      true, err, sizeof(err)))
		die("cannot poison", err);
}

static void a_machine_that_stops_on_its_way_comes_to_the_same_end(void)
{
	struct moment end;
	bool exact = true;

	start_with_poison(&unstopped);
	run_to(&unstopped, until);
	note(&unstopped, &end);
	start_with_poison(&stopped);
	for (unsigned i = 0; i < POINTS; i++) {
		/* Uneven, so that blocks and turns are cut anywhere. */
		uint64_t at = end.insns / (POINTS + 1) * (i + 1) - (i * 7919u) % 1009;

		exact &= run_to(&stopped, at);
		note(&stopped, &moments[i]);
		exact &= moments[i].insns == at;
	}
	run_to(&stopped, until);
	note(&stopped, &moments[POINTS]);
	ok(exact, "it_stops_at_the_very_instruction");
	ok(same(&end, &moments[POINTS]) && unstopped.console_len == stopped.console_len &&
		   !memcmp(unstopped.console, stopped.console, stopped.console_len),
	   __func__);
	printf("# %llu instructions, %zu bytes of console\n", (unsigned long long)end.insns,
	       stopped.console_len);
	forget(&end);
	machine_destroy(unstopped.machine);
}

/* Run a machine from moment @from to the end and compare it at each moment on its way. */
static bool goes_on_alike(struct run *run, unsigned from)
{
	struct moment at;
	bool good = true;

	for (unsigned i = from + 1; i <= POINTS && good; i++) {
		run_to(run, i < POINTS ? moments[i].insns : until);
		note(run, &at);
		good = same(&moments[i], &at);
		if (!good)
			printf("# from moment %u to %u\n", from, i);
		forget(&at);
	}
	return good && run->console_len == stopped.console_len - moments[from].console_len &&
	       !memcmp(run->console, stopped.console + moments[from].console_len, run->console_len);
}

static void a_new_machine_goes_on_as_the_one_that_was_saved(void)
{
	bool good = true;

	for (unsigned i = 0; i < POINTS && good; i++) {
		start(&again);
		load(&again, &moments[i]);
		good = goes_on_alike(&again, i);
		machine_destroy(again.machine);
	}
	ok(good, __func__);
}

static bool is_at(struct run *run, const struct moment *moment)
{
	struct moment at;
	bool good;

	note(run, &at);
	good = same(moment, &at);
	forget(&at);
	return good;
}

/* Back to a moment from various places behind it, then on to the next. */
static bool goes_back_to(struct run *run, unsigned i)
{
	const uint64_t next = i + 1 < POINTS ? moments[i + 1].insns : until;
	const uint64_t length = moments[i + 1].insns - moments[i].insns;
	struct snapshot *snapshot;
	char err[256];
	bool good;

	run_to(run, moments[i].insns);
	snapshot = snapshot_take(run->machine, err, sizeof(err));
	if (!snapshot)
		die("cannot take a snapshot", err);
	good = is_at(run, &moments[i]);
	for (unsigned n = 0; n < 4 && good; n++) {
		int64_t pages;

		run_to(run, n < 3 ? moments[i].insns + length * n / 3 : next);
		machine_heal(run->machine, 0, machine_memory(run->machine)->size, err, sizeof(err));
		pages = snapshot_reset(snapshot, err, sizeof(err));
		if (pages < 0)
			die("cannot reset", err);
		good = is_at(run, &moments[i]);
	}
	run_to(run, next);
	good = good && is_at(run, &moments[i + 1]);
	snapshot_free(snapshot);
	return good;
}

static void a_machine_goes_back_to_its_snapshot_and_on_as_before(void)
{
	bool good = true;

	start_with_poison(&again);
	for (unsigned i = 0; i < POINTS && good; i++)
		good = goes_back_to(&again, i);
	ok(good, __func__);
	machine_destroy(again.machine);
}

static bool option(const char *name, const char *value)
{
	if (strcmp(name, "-poison") != 0)
		return is_number(name, value, "-until", &until);
	poison = !strcmp(value, "on");
	return true;
}

int main(int argc, char **argv)
{
	take_options(argc, argv, option);
	a_machine_that_stops_on_its_way_comes_to_the_same_end();
	a_new_machine_goes_on_as_the_one_that_was_saved();
	a_machine_goes_back_to_its_snapshot_and_on_as_before();
	printf("1..%u\n", nr_tests);
	for (unsigned n = 0; n <= POINTS; n++)
		forget(&moments[n]);
	machine_destroy(stopped.machine);
	return failed;
}
