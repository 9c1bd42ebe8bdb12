/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's state apart from its memory: what the scheduler and the clock hold, and then what
 * engine, partition, devices, hooks and FWNMI say of themselves. What belongs to the host is not in
 * it: files, descriptors, pauses, requests of clients.
 */
#include <stdio.h>
#include <stdlib.h>

#include "machine/private.h"

#define NUMBER(member, max) RECORD_NUMBER(struct machine, member, max)
#define LONGEST_TURN	    1000000

static const struct record_field fields[] = {
	NUMBER(config.nr_vcpus, ENGINE_MAX_VCPUS),
	NUMBER(memory.size, MACHINE_MAX_RAM),
	NUMBER(memory.nr_poisoned, MEMORY_MAX_POISONED),
	RECORD_EACH(struct machine, memory.poisoned, kind, MEMORY_POISONED),
	RECORD_EACH(struct machine, memory.poisoned, heal_on_write, true),
	RECORD_EACH(struct machine, memory.poisoned, first, MACHINE_MAX_RAM),
	RECORD_EACH(struct machine, memory.poisoned, last, MACHINE_MAX_RAM),
	NUMBER(clock.mode, CLOCK_INSN),
	NUMBER(clock.insns, UINT64_MAX),
	NUMBER(saved_timebase, UINT64_MAX),
	RECORD_EACH_USED(struct machine, vcpus, state, VCPU_UNSAFE),
	RECORD_EACH_USED(struct machine, vcpus, kicked, true),
	RECORD_EACH_USED(struct machine, vcpus, prodded, true),
	RECORD_EACH_USED(struct machine, vcpus, gave_up, true),
	NUMBER(round.under_way, true),
	RECORD_ARRAY(struct machine, round.ready, true),
	NUMBER(round.alone, true),
	NUMBER(round.first, ENGINE_MAX_VCPUS - 1),
	NUMBER(round.done, ENGINE_MAX_VCPUS),
	NUMBER(round.vcpu, ENGINE_MAX_VCPUS - 1),
	NUMBER(round.switch_now, true),
	NUMBER(round.left, LONGEST_TURN),
	NUMBER(reboot_due, true),
};

/* As memory_poison() leaves it. */
static bool poison_fits(const struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->nr_poisoned; i++) {
		const struct memory_region *region = &memory->poisoned[i];

		if (region->kind != MEMORY_POISONED || region->first > region->last ||
		    region->last >= memory->size || (i && region->first <= region[-1].last))
			return false;
	}
	return true;
}

static bool fits(const void *loaded, const void *present)
{
	const struct machine *a = loaded, *b = present;

	return a->config.nr_vcpus == b->config.nr_vcpus && a->memory.size == b->memory.size &&
	       a->clock.mode == b->clock.mode && a->round.first < a->config.nr_vcpus &&
	       a->round.vcpu < a->config.nr_vcpus && poison_fits(&a->memory);
}

static unsigned nr_vcpus(const void *state)
{
	return ((const struct machine *)state)->config.nr_vcpus;
}

static const struct record_type record = {
	.name = "machine",
	.size = sizeof(struct machine),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
	.fits = fits,
	.used = nr_vcpus,
};

/* Everything but FWNMI's record, which libfwnmi writes. */
struct parts {
	struct record_part part[1 + ENGINE_MAX_PARTS + PAPR_MAX_PARTS + MACHINE_MAX_HOOKS];
	unsigned count;
};

static struct parts parts_of(struct machine *machine)
{
	struct parts parts = { .part[0] = { &record, machine }, .count = 1 };

	parts.count += machine->ops->parts(machine->engine, parts.part + parts.count);
	parts.count += papr_parts(machine->papr, parts.part + parts.count);
	for (unsigned i = 0; i < machine->nr_hooks; i++)
		if (machine->hooks[i].state.type)
			parts.part[parts.count++] = machine->hooks[i].state;
	return parts;
}

bool machine_can_save(const struct machine *machine, char *err, size_t err_size)
{
	if (machine->ops->parts)
		return true;
	snprintf(err, err_size, "the engine %s can't save its vCPUs", machine->ops->name);
	return false;
}

/*
 * Another host's clock is another. And whoever goes on from here has no translations cached, so the
 * machine that was saved must have none either, to do the same.
 */
void machine_before_saving(struct machine *machine)
{
	scheduler_stop(machine);
	machine->saved_timebase = machine_timebase(machine);
	machine->ops->saving(machine->engine);
}

/* Code that was decoded while the memory was not poisoned must not run. */
static void tell_of_poison(struct guest_memory *memory)
{
	for (unsigned i = 0; memory->poison && i < memory->nr_poisoned; i++)
		memory->poison(memory->engine, memory->poisoned[i].first,
			       memory->poisoned[i].last - memory->poisoned[i].first + 1);
}

void machine_after_loading(struct machine *machine)
{
	machine->loaded = true;
	machine->clock.offset = 0;
	if (machine->clock.mode == CLOCK_HOST && machine->paused)
		machine->paused_at = clock_host_ticks();
	machine->clock.offset = machine->saved_timebase - machine_timebase(machine);
	machine->ops->loaded(machine->engine);
	machine_forget_watches(machine);
	tell_of_poison(&machine->memory);
	papr_loaded(machine->papr);
	for (unsigned i = 0; i < machine->nr_hooks; i++)
		if (machine->hooks[i].loaded)
			machine->hooks[i].loaded(machine->hooks[i].opaque);
}

void *machine_save(struct machine *machine, size_t *size, char *err, size_t err_size)
{
	struct parts parts;
	size_t records, fwnmi;
	uint8_t *state;

	if (!machine_can_save(machine, err, err_size))
		return NULL;
	machine_before_saving(machine);
	parts = parts_of(machine);
	records = records_size(parts.part, parts.count);
	fwnmi = papr_fwnmi_record_size(machine->papr);
	state = malloc(records + fwnmi);
	if (!state) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	records_save(parts.part, parts.count, state, records);
	papr_fwnmi_save(machine->papr, state + records, fwnmi);
	*size = records + fwnmi;
	return state;
}

bool machine_load(struct machine *machine, const void *state, size_t size, char *err,
		  size_t err_size)
{
	struct parts parts;
	size_t records;

	if (!machine_can_save(machine, err, err_size))
		return false;
	scheduler_stop(machine);
	parts = parts_of(machine);
	records = records_size(parts.part, parts.count);
	if (size < records) {
		snprintf(err, err_size, "cannot load the machine's state: it is incomplete");
		return false;
	}
	/* All is checked before anything changes; a refused FWNMI record changes nothing either. */
	if (!records_check(parts.part, parts.count, state, records, err, err_size) ||
	    !papr_fwnmi_load(machine->papr, (const uint8_t *)state + records, size - records, err,
			     err_size) ||
	    !records_load(parts.part, parts.count, state, records, err, err_size))
		return false;
	machine_after_loading(machine);
	return true;
}

size_t machine_image_size(struct machine *machine)
{
	const struct parts parts = parts_of(machine);

	return records_image_size(parts.part, parts.count);
}

void machine_to_image(struct machine *machine, void *image)
{
	const struct parts parts = parts_of(machine);

	records_to_image(parts.part, parts.count, image);
}

void machine_from_image(struct machine *machine, const void *image)
{
	const struct parts parts = parts_of(machine);

	records_from_image(parts.part, parts.count, image);
}
