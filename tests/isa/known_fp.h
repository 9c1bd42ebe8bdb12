/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of explanations.def that are about floating-point instructions (known_fp.c,
 * known_dfp.c, known_mma.c), and bits of the FPSCR.
 */
#ifndef FWNMI_TESTS_ISA_KNOWN_FP_H
#define FWNMI_TESTS_ISA_KNOWN_FP_H

#include <stdbool.h>

#include "known.h"
#include "table.h"

#define FPSCR_FX	   0x80000000ull
#define FPSCR_FEX	   0x40000000ull
#define FPSCR_VX	   0x20000000ull
#define FPSCR_OX	   0x10000000ull
#define FPSCR_UX	   0x08000000ull
#define FPSCR_XX	   0x02000000ull
#define FPSCR_VXSNAN	   0x01000000ull
#define FPSCR_VXISI	   0x00800000ull
#define FPSCR_VXIMZ	   0x00100000ull
#define FPSCR_FR	   0x00040000ull
#define FPSCR_FI	   0x00020000ull
#define FPSCR_C		   0x00010000ull
#define FPSCR_FPRF	   0x0001f000ull
#define FPSCR_VXCVI	   0x00000100ull
#define FPSCR_EXCEPTIONS   0x1ff80700ull
/* The enable bits, and how far they are from their exceptions. */
#define FPSCR_VE	   0x80ull
#define FPSCR_OE	   0x40ull
#define FPSCR_UE	   0x20ull
#define FPSCR_ZE	   0x10ull
#define FPSCR_XE	   0x08ull
#define FPSCR_ENABLES	   0xf8ull
#define FPSCR_ENABLE_SHIFT 22
/* Copies in CR field 1. */
#define CR1_FX		   0x08000000ull
#define CR1_FEX		   0x04000000ull
#define CR1_VX		   0x02000000ull

#define DIFFERS(what, text, fn) bool fn(const char *name, const struct isa_case *in);
#define HIDES(what, text, fn)                                                       \
	void fn(const char *name, const struct isa_case *in, struct isa_case *ours, \
		struct isa_case *theirs);
#define ONLY_FP
#include "explanations.def"
#undef ONLY_FP
#undef DIFFERS
#undef HIDES

#endif
