/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to special purpose registers; see special_registers.h. Instruction formats as in the
 * Power ISA, Book III.
 */
#include <inttypes.h>

#include "attach/private.h"
#include "attach/special_registers.h"

/*
 * QEMU's RTAS code ends at 0x14, and FWNMI's part begins at 0x30. host.c uses the eight bytes at
 * 0x20.
 */
#define SCRATCH_OFFSET 0x28

#define MAX_STEPS 3 /* tries until a step is made */

#define MFSPR 0x7c0002a6u /* RT=0 */
#define MTSPR 0x7c0003a6u /* RS=0 */
#define SC_1  0x44000022u

#define H_PROD 0xe8u /* LoPAR: R4 is the processor */

/* The stub's name. */
static const char *name_of(unsigned spr)
{
	switch (spr) {
	case SPR_SRR0:
		return "srr0";
	case SPR_SRR1:
		return "srr1";
	case SPR_SPRG1:
		return "sprg1";
	case SPR_PVR:
		return "pvr";
	}
	return "";
}

/* The instruction holds the two halves of the number swapped. */
static uint32_t with_number(uint32_t insn, unsigned spr)
{
	return insn | (spr & 0x1f) << 16 | (spr >> 5 & 0x1f) << 11;
}

static bool write_scratch(struct guest *guest, const uint8_t *bytes)
{
	bool there;

	if (!gdb_write_memory(guest->gdb, guest->rtas_base + SCRATCH_OFFSET, bytes, 4, &there))
		return false;
	return there || gdb_fail(guest->gdb, "the RTAS area cannot be written");
}

/* If the vCPU stops for another reason, NIP has not moved and the step is repeated. */
static bool step_from(struct guest *guest, unsigned cpu, uint64_t start, uint64_t *nip)
{
	*nip = start;
	for (unsigned i = 0; i < MAX_STEPS && *nip == start; i++) {
		if (!gdb_step(guest->gdb, cpu) ||
		    !gdb_read_register(guest->gdb, cpu, gdb_registers(guest->gdb)->nip, nip))
			return false;
	}
	return true;
}

/* Executes one instruction in real mode with *@r0 in R0. Everything but its effect is restored. */
static bool execute(struct guest *guest, unsigned cpu, uint32_t insn, uint64_t *r0)
{
	const struct gdb_registers *r = gdb_registers(guest->gdb);
	uint64_t scratch = guest->rtas_base + SCRATCH_OFFSET, nip, msr, gpr0, now;
	uint8_t before[4], code[4];
	bool halted;

	if (!gdb_halted(guest->gdb, cpu, &halted))
		return false;
	if (halted)
		return gdb_fail(guest->gdb,
				"CPU %u is idle, and the stub provides special registers of the "
				"first CPU only (QEMU 7.2)",
				cpu);
	if (!guest->has_rtas)
		return gdb_fail(guest->gdb,
				"the stub provides special registers of the first CPU only");
	if (!gdb_read_register(guest->gdb, cpu, r->msr, &msr) ||
	    !gdb_read_register(guest->gdb, cpu, r->nip, &nip) ||
	    !gdb_read_register(guest->gdb, cpu, r->gpr[0], &gpr0) ||
	    !guest_read_real(guest, scratch, before, sizeof(before)))
		return false;
	gdb_begin(guest->gdb);
	for (unsigned i = 0; i < 4; i++)
		code[i] = (uint8_t)(insn >> 8 * (msr & MSR_LE ? i : 3 - i));
	if (!write_scratch(guest, code) || !gdb_write_register(guest->gdb, cpu, r->gpr[0], *r0) ||
	    !gdb_write_register(guest->gdb, cpu, r->nip, scratch) ||
	    !gdb_write_register(guest->gdb, cpu, r->msr, (msr & (MSR_ME | MSR_LE)) | MSR_SF) ||
	    !step_from(guest, cpu, scratch, &now) ||
	    !gdb_read_register(guest->gdb, cpu, r->gpr[0], r0) ||
	    !gdb_write_register(guest->gdb, cpu, r->gpr[0], gpr0) ||
	    !gdb_write_register(guest->gdb, cpu, r->nip, nip) ||
	    !gdb_write_register(guest->gdb, cpu, r->msr, msr) || !write_scratch(guest, before))
		return false;
	gdb_commit(guest->gdb);
	return now == scratch + 4 ||
	       gdb_fail(guest->gdb,
			"CPU %u does not execute the given instruction: it is at 0x%" PRIx64, cpu,
			now);
}

/* *@number: as for gdb_read_register(), or -1. */
static bool find(struct guest *guest, unsigned cpu, unsigned spr, int *number)
{
	bool given;

	*number = gdb_register(guest->gdb, name_of(spr));
	if (*number < 0)
		return true;
	if (!gdb_gives_register(guest->gdb, cpu, *number, &given))
		return false;
	if (!given)
		*number = -1;
	return true;
}

bool remote_spr_read(struct guest *guest, unsigned cpu, unsigned spr, uint64_t *value)
{
	int number;

	*value = 0;
	if (!find(guest, cpu, spr, &number))
		return false;
	return number >= 0 ? gdb_read_register(guest->gdb, cpu, number, value) :
			     execute(guest, cpu, with_number(MFSPR, spr), value);
}

bool remote_spr_write(struct guest *guest, unsigned cpu, unsigned spr, uint64_t value)
{
	int number;

	if (!find(guest, cpu, spr, &number))
		return false;
	return number >= 0 ? gdb_write_register(guest->gdb, cpu, number, value) :
			     execute(guest, cpu, with_number(MTSPR, spr), &value);
}

/* QEMU's hypervisor calls change R3 only. A number that it does not know changes nothing. */
bool remote_prod(struct guest *guest, unsigned cpu, unsigned target)
{
	const struct gdb_registers *r = gdb_registers(guest->gdb);
	uint64_t gpr0 = 0, gpr3, gpr4;

	if (!gdb_read_register(guest->gdb, cpu, r->gpr[3], &gpr3) ||
	    !gdb_read_register(guest->gdb, cpu, r->gpr[4], &gpr4))
		return false;
	gdb_begin(guest->gdb);
	if (!gdb_write_register(guest->gdb, cpu, r->gpr[3], H_PROD) ||
	    !gdb_write_register(guest->gdb, cpu, r->gpr[4], target) ||
	    !execute(guest, cpu, SC_1, &gpr0) ||
	    !gdb_write_register(guest->gdb, cpu, r->gpr[3], gpr3) ||
	    !gdb_write_register(guest->gdb, cpu, r->gpr[4], gpr4))
		return false;
	gdb_commit(guest->gdb);
	return true;
}
