/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether two results of a case agree, and how they are shown if they do not. */
#include <stdio.h>
#include <string.h>

#include "compare.h"

bool same_result(const struct isa_case *a, const struct isa_case *b)
{
	if (a->outcome || b->outcome)
		return a->outcome == b->outcome;
	return !memcmp(a, b, sizeof(*a));
}

static void show(const char *what, uint64_t in, uint64_t our, uint64_t their)
{
	if (our != their)
		printf("#   %-8s in %016llx  ours %016llx  oracle %016llx\n", what,
		       (unsigned long long)in, (unsigned long long)our, (unsigned long long)their);
}

static void show_vector(const char *what, const uint64_t *in, const uint64_t *our,
			const uint64_t *their)
{
	if (memcmp(our, their, 16))
		printf("#   %-8s in %016llx.%016llx\n#              ours %016llx.%016llx\n"
		       "#            oracle %016llx.%016llx\n",
		       what, (unsigned long long)in[1], (unsigned long long)in[0],
		       (unsigned long long)our[1], (unsigned long long)our[0],
		       (unsigned long long)their[1], (unsigned long long)their[0]);
}

static void show_operand(const char *what, const struct isa_case *in, unsigned field, unsigned high)
{
	uint64_t g = in->gpr[field];
	const uint64_t *v = in->vsr[field + high], *w = in->vsr[field + 32 - high];

	printf("#   %s=%-2u gpr %016llx vsr%-2u %016llx.%016llx vsr%-2u %016llx.%016llx\n", what,
	       field, (unsigned long long)g, field + high, (unsigned long long)v[1],
	       (unsigned long long)v[0], field + 32 - high, (unsigned long long)w[1],
	       (unsigned long long)w[0]);
}

void show_mismatch(const char *name, const struct isa_case *in, const struct isa_case *our,
		   const struct isa_case *their, bool accesses)
{
	uint32_t w = (uint32_t)in->insn;
	unsigned high = w >> 26 == 4 || w >> 26 == 31 ? 32 : 0;
	char what[24];

	printf("# %s %08llx: cr %08llx xer %08llx fpscr %08llx vscr %05llx\n", name,
	       (unsigned long long)in->insn, (unsigned long long)in->cr,
	       (unsigned long long)in->xer, (unsigned long long)in->fpscr,
	       (unsigned long long)in->vscr[0]);
	show_operand("RT", in, w >> 21 & 31, high);
	show_operand("RA", in, w >> 16 & 31, high);
	show_operand("RB", in, w >> 11 & 31, high);
	show_operand("RC", in, w >> 6 & 31, high);
	if (accesses) {
		printf("#   memory");
		for (unsigned i = 0; i < CASE_MEMORY_BYTES; i++)
			printf("%s%02x", i % 16 ? "" : i % 64 ? " " : "\n#     ", in->memory[i]);
		printf("\n");
	}
	show("signal", in->outcome, our->outcome, their->outcome);
	if (our->outcome || their->outcome)
		return;
	show("next", 0, our->next, their->next);
	for (unsigned i = 0; i < 32; i++) {
		snprintf(what, sizeof(what), "gpr%u", i);
		show(what, in->gpr[i], our->gpr[i], their->gpr[i]);
	}
	for (unsigned i = 0; i < 64; i++) {
		snprintf(what, sizeof(what), "vsr%u", i);
		show_vector(what, in->vsr[i], our->vsr[i], their->vsr[i]);
	}
	show("cr", in->cr, our->cr, their->cr);
	show("xer", in->xer, our->xer, their->xer);
	show("fpscr", in->fpscr, our->fpscr, their->fpscr);
	show("vscr", in->vscr[0], our->vscr[0], their->vscr[0]);
	show("lr", in->lr, our->lr, their->lr);
	show("ctr", in->ctr, our->ctr, their->ctr);
	show("vrsave", in->vrsave, our->vrsave, their->vrsave);
	for (unsigned i = 0; i < CASE_MEMORY_BYTES; i++) {
		snprintf(what, sizeof(what), "mem[%u]", i);
		show(what, in->memory[i], our->memory[i], their->memory[i]);
	}
}
