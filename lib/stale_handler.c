/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a registered routine still where it was registered? After kexec into a system that has not
 * registered, the address would mean nothing to that system. So the instructions up to the
 * routine's first unconditional branch are remembered, and compared at delivery.
 *
 * Linux itself changes its handlers after it has registered: it writes mitigations into slots of
 * nops between registration and the end of boot, and at any time through debugfs. Measured on
 * Debian's 6.1 and 6.12, on POWER8, POWER9 and POWER10: six slots in each handler, and nothing
 * else. So an instruction that can be in such a slot may change into another one that can.
 */
#include <string.h>

#include "bytes.h"
#include "internal.h"

/* Is this the routine's last instruction? What follows in memory is not part of the routine. */
static bool ends_routine(uint32_t insn)
{
	static const struct {
		uint32_t mask, value;
	} ends[] = {
		{ 0xfc000001, 0x48000000 }, /* b, ba */
		{ 0xfe80ffff, 0x4e800020 }, /* bclr, always */
		{ 0xfe80ffff, 0x4e800420 }, /* bcctr, always */
		{ 0xfe80ffff, 0x4e800460 }, /* bctar, always */
		{ 0xffffffff, 0x4c000024 }, /* rfid */
		{ 0xffffffff, 0x4c000224 }, /* hrfid */
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if ((insn & ends[i].mask) == ends[i].value)
			return true;
	return false;
}

/*
 * Can the instruction be in a slot that an OS patches: a nop, a barrier, a flush or a call of one?
 */
static bool is_patchable(uint32_t insn)
{
	static const struct {
		uint32_t mask, value;
	} patchable[] = {
		{ 0xffffffff, 0x60000000 }, /* nop */
		{ 0xffffffff, 0x63ff0000 }, /* ori 31,31,0: speculation barrier */
		{ 0xffffffff, 0x63de0000 }, /* ori 30,30,0: flush of the L1 data cache */
		{ 0xfc1fffff, 0x7c12dba6 }, /* mtspr TRIG2: the same */
		{ 0xfc9fffff, 0x7c0004ac }, /* sync, whichever L */
		{ 0xfdffffff, 0x7c0006ac }, /* eieio, with and without Linux's marking bit */
		{ 0xfc00ffff, 0xe8000000 }, /* ld rt,0(ra), behind a sync */
		{ 0xfc1fffff, 0x7c0802a6 }, /* mflr, around a call */
		{ 0xfc1fffff, 0x7c0803a6 }, /* mtlr, around a call */
		{ 0xfc000003, 0x48000001 }, /* bl */
	};

	for (size_t i = 0; i < sizeof(patchable) / sizeof(patchable[0]); i++)
		if ((insn & patchable[i].mask) == patchable[i].value)
			return true;
	return false;
}

void fwnmi_remember_handler(struct fwnmi *f, struct fwnmi_handler *handler, uint64_t routine)
{
	handler->routine = routine;
	handler->nr_insns = 0;
	while (handler->nr_insns < FWNMI_HANDLER_INSNS) {
		size_t offset = 4 * (size_t)handler->nr_insns;
		uint8_t *insn = handler->insns + offset;

		if (f->ops->read_memory(f->opaque, routine + offset, insn, 4) != 0)
			break;
		handler->nr_insns++;
		if (ends_routine(f->interrupts_little_endian ? get_le32(insn) : get_be32(insn)))
			break;
	}
}

static bool is_same(const uint8_t *before, const uint8_t *now)
{
	if (memcmp(before, now, 4) == 0)
		return true;
	/* The interrupt byte order may have been set after the registration, so accept either. */
	return (is_patchable(get_be32(before)) && is_patchable(get_be32(now))) ||
	       (is_patchable(get_le32(before)) && is_patchable(get_le32(now)));
}

bool fwnmi_handler_stands(struct fwnmi *f, const struct fwnmi_handler *handler)
{
	uint8_t insns[4 * FWNMI_HANDLER_INSNS];
	size_t size = 4 * (size_t)handler->nr_insns;

	if (f->ops->read_memory(f->opaque, handler->routine, insns, size) != 0)
		return false;
	if (memcmp(handler->insns, insns, size) == 0)
		return true;
	for (size_t i = 0; i < size; i += 4)
		if (!is_same(handler->insns + i, insns + i))
			return false;
	return true;
}
