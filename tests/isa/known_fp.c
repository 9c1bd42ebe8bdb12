/* SPDX-License-Identifier: BSD-2-Clause */
/* What is not compared of floating-point instructions, by operands; by mnemonic it's in known_fp.def. */
#include <string.h>

#include "known.h"

#define FPSCR_FX 0x80000000ull
#define FPSCR_FR 0x00040000ull
#define FPSCR_EXCEPTIONS 0x1ff80700ull

void known_hide_fp(const char *name, const struct isa_case *in, struct isa_case *out)
{
	if (!strchr("fx", name[0]))
		return;
	/* QEMU never sets FR; fpu_test.c looks at it. */
	out->fpscr &= ~FPSCR_FR;
	/* QEMU sets FX with any exception, the ISA when an exception bit changes to 1. */
	if (in->fpscr & FPSCR_EXCEPTIONS)
		out->fpscr &= ~FPSCR_FX;
}
