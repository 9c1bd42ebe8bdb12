/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known values in every register around an event, to check that all other registers are unchanged
 * (LoPAR R1-7.3.14-9, -13). The loop itself is in start.S.
 */
#include "payload.h"

/* A different value for each register, in every byte. */
static u64 pattern(u64 seed, unsigned n)
{
	u64 x = (seed + n) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

void spin_prepare(struct spin *spin, u64 seed, u64 msr)
{
	struct frame *in = &spin->in;

	spin->flag = 0;
	for (unsigned i = 0; i < 32; i++)
		in->gpr[i] = pattern(seed, i);
	in->gpr[30] = (u64)spin;
	in->gpr[31] = 0;
	in->xer = 0xe00c0055; /* SO, OV, CA, OV32, CA32, string length */
	in->cr = (pattern(seed, 32) & 0xfffffff0) | 3; /* CR7 as the loop leaves it: equal, SO */
	in->lr = pattern(seed, 33);
	in->ctr = pattern(seed, 34);
	for (unsigned i = 0; i < 4; i++)
		in->sprg[i] = pattern(seed, 35 + i);
	in->dar = pattern(seed, 39);
	in->dsisr = (u32)pattern(seed, 40);
	in->tar = pattern(seed, 41);
	in->msr = msr;
	for (unsigned i = 0; i < sizeof(spin->vsr_in); i++)
		spin->vsr_in[i] = (u8)pattern(seed, 100 + i);
	spin->fpscr_in = 0x3 | 0x1000; /* rounding towards minus infinity; FPRF */
	park_decrementer();
}

/* Our own code at 0x200 starts like that at 0x300. */
bool by_trampoline(void)
{
	return read_be32(vectors + 0x200) != read_be32(vectors + 0x300);
}

static void check_frame(const char *sentence, const struct frame *in, const struct frame *now,
			unsigned last_gpr)
{
	static const char *const gpr_names[32] = {
		"R0",  "R1",  "R2",  "R3",  "R4",  "R5",  "R6",	 "R7",	"R8",  "R9",  "R10",
		"R11", "R12", "R13", "R14", "R15", "R16", "R17", "R18", "R19", "R20", "R21",
		"R22", "R23", "R24", "R25", "R26", "R27", "R28", "R29", "R30", "R31",
	};

	for (unsigned i = 0; i <= last_gpr; i++)
		if (i != 3)
			check_equal(sentence, now->gpr[i], in->gpr[i], gpr_names[i]);
	check_equal(sentence, now->xer, in->xer, "XER");
	check_equal(sentence, now->lr, in->lr, "LR");
	check_equal(sentence, now->ctr, in->ctr, "CTR");
	check_equal(sentence, now->sprg[0], in->sprg[0], "SPRG0");
	check_equal(sentence, now->sprg[1], in->sprg[1], "SPRG1");
	/* LoPAR lets firmware save one register in SPRG2; a trampoline saves R3. */
	check_equal(sentence, now->sprg[2], by_trampoline() ? in->gpr[3] : in->sprg[2], "SPRG2");
	check_equal(sentence, now->sprg[3], in->sprg[3], "SPRG3");
	/* With trampolines, the machine check interrupt itself sets these. */
	if (!by_trampoline() || now->vector == 0x100) {
		check_equal(sentence, now->dar, in->dar, "DAR");
		check_equal(sentence, now->dsisr, in->dsisr, "DSISR");
	}
	check_equal(sentence, now->tar, in->tar, "TAR");
}

void check_registers_kept(const char *sentence, const struct spin *spin, const struct frame *frame)
{
	check_frame(sentence, &spin->in, frame, 31);
	check_equal(sentence, frame->cr, spin->in.cr, "CR");
}

/* R31 and CR7 are as the loop left them. */
void check_went_on(const char *sentence, const struct spin *spin)
{
	const struct frame *out = &spin->out, *in = &spin->in;

	check_frame(sentence, in, out, 30);
	check_equal(sentence, out->gpr[3], in->gpr[3], "R3");
	check_equal(sentence, out->gpr[31], spin->flag, "R31");
	check_equal(sentence, out->cr & 0xfffffff0, in->cr & 0xfffffff0, "CR0..CR6");
	check_equal(sentence, out->msr, in->msr, "MSR");
	if (!(in->msr & MSR_VSX))
		return;
	for (unsigned i = 0; i < sizeof(spin->vsr_in); i += 8)
		check_equal(sentence, *(const u64 *)(spin->vsr_out + i),
			    *(const u64 *)(spin->vsr_in + i), "a doubleword of the VSRs");
	check_equal(sentence, spin->fpscr_out, spin->fpscr_in, "FPSCR");
}
