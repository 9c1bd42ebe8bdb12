/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots: see snapshot.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "machine/private.h"
#include "machine/snapshot.h"

struct snapshot {
	struct machine *machine;
	uint8_t *memory; /* a copy of the extent; pages of zeros are not touched */
	void *image; /* see records_to_image() */
	void *fwnmi;
	size_t fwnmi_size;
	struct dirty_pages dirty;
};

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

struct copy {
	uint8_t *to;
	const uint8_t *from;
	int64_t count;
};

static bool copy_page(void *opaque, uint64_t offset)
{
	struct copy *copy = opaque;

	memcpy(copy->to + offset, copy->from + offset, MEMORY_PAGE);
	copy->count++;
	return true;
}

/* Copy all pages that are not zeros. Returns how many. */
static int64_t copy_memory(struct machine *machine, uint8_t *to, const uint8_t *from)
{
	struct copy copy = { .to = to, .from = from };

	page_map_each(&machine->used, from, memory_extent(&machine->memory), copy_page, &copy);
	return copy.count;
}

static bool save_memory(struct snapshot *s, char *err, size_t err_size)
{
	struct guest_memory *memory = &s->machine->memory;
	const uint64_t count = memory_extent(memory) / MEMORY_PAGE;

	s->memory = mmap(NULL, memory_extent(memory), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->memory == MAP_FAILED)
		s->memory = NULL;
	s->dirty.is_dirty = calloc(count, sizeof(s->dirty.is_dirty[0]));
	s->dirty.list = malloc(count * sizeof(s->dirty.list[0]));
	if (!s->memory || !s->dirty.is_dirty || !s->dirty.list)
		return FAIL("no memory for a snapshot: %s", strerror(errno));
	copy_memory(s->machine, s->memory, memory->base);
	return true;
}

static bool save_state(struct snapshot *s, char *err, size_t err_size)
{
	struct machine *machine = s->machine;

	machine_before_saving(machine);
	s->fwnmi_size = papr_fwnmi_record_size(machine->papr);
	s->fwnmi = malloc(s->fwnmi_size);
	s->image = malloc(machine_image_size(machine));
	if (!s->fwnmi || !s->image)
		return FAIL("no memory for a snapshot");
	papr_fwnmi_save(machine->papr, s->fwnmi, s->fwnmi_size);
	machine_to_image(machine, s->image);
	return true;
}

struct snapshot *snapshot_take(struct machine *machine, char *err, size_t err_size)
{
	struct snapshot *s;

	if (!machine_can_save(machine, err, err_size))
		return NULL;
	if (machine->config.mapping.path) {
		snprintf(err, err_size, "no snapshot of a machine with %s mapped into its memory",
			 machine->config.mapping.path);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, err_size, "no memory for a snapshot");
		return NULL;
	}
	s->machine = machine;
	if (!save_memory(s, err, err_size) || !save_state(s, err, err_size)) {
		snapshot_free(s);
		return NULL;
	}
	machine->memory.dirty = &s->dirty;
	return s;
}

/* Everything is overwritten: after a reboot, say. */
static int64_t reset_all(struct snapshot *s)
{
	struct guest_memory *memory = &s->machine->memory;
	int64_t copied;

	if (madvise(memory->base, memory_extent(memory), MADV_DONTNEED) < 0)
		return -1;
	copied = copy_memory(s->machine, memory->base, s->memory);
	memory->written(memory->engine, 0, memory->size);
	memset(s->dirty.is_dirty, 0,
	       memory_extent(memory) / MEMORY_PAGE * sizeof(s->dirty.is_dirty[0]));
	return copied;
}

/* Code in lines that are as they were stays decoded, though the page was written to. */
static void reset_page(struct guest_memory *memory, const uint8_t *saved, uint64_t ra)
{
	for (uint64_t at = ra; at < ra + MEMORY_PAGE; at += MEMORY_LINE) {
		if (!memcmp(memory->base + at, saved + at, MEMORY_LINE))
			continue;
		memcpy(memory->base + at, saved + at, MEMORY_LINE);
		if (at < memory->size)
			memory->written(memory->engine, at, MEMORY_LINE);
	}
}

static int64_t reset_dirty(struct snapshot *s)
{
	for (size_t i = 0; i < s->dirty.count; i++) {
		const uint32_t page = s->dirty.list[i];

		reset_page(&s->machine->memory, s->memory, (uint64_t)page * MEMORY_PAGE);
		s->dirty.is_dirty[page] = false;
	}
	return (int64_t)s->dirty.count;
}

int64_t snapshot_reset(struct snapshot *s, char *err, size_t err_size)
{
	int64_t copied = s->dirty.all ? reset_all(s) : reset_dirty(s);

	if (copied < 0) {
		snprintf(err, err_size, "cannot reset memory to a snapshot: %s", strerror(errno));
		return -1;
	}
	s->dirty.count = 0;
	s->dirty.all = false;
	machine_from_image(s->machine, s->image);
	if (!papr_fwnmi_load(s->machine->papr, s->fwnmi, s->fwnmi_size, err, err_size))
		return -1;
	machine_after_loading(s->machine);
	return copied;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	if (s->machine->memory.dirty == &s->dirty)
		s->machine->memory.dirty = NULL;
	if (s->memory)
		munmap(s->memory, memory_extent(&s->machine->memory));
	free(s->dirty.is_dirty);
	free(s->dirty.list);
	free(s->image);
	free(s->fwnmi);
	free(s);
}
