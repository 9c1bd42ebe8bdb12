/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a 64-bit POWER target as gdb numbers them, and their target description: what
 * our stub has. Features and names are gdb's ("Standard Target Features", PowerPC); the last
 * feature is our own.
 */
#ifndef FWNMI_GDB_POWER_REGISTERS_H
#define FWNMI_GDB_POWER_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>

enum gdb_power_kind {
	GDB_GPR,
	GDB_FPR,
	GDB_VR,
	GDB_VSR_LOW, /* doubleword 1 of the first 32 VSRs */
	GDB_PC,
	GDB_MSR,
	GDB_CR,
	GDB_LR,
	GDB_CTR,
	GDB_XER,
	GDB_FPSCR,
	GDB_VSCR,
	GDB_VRSAVE,
	GDB_SRR0,
	GDB_SRR1,
	GDB_DAR,
	GDB_DSISR,
	GDB_SPRG,
	GDB_TAR,
	GDB_DSCR,
	GDB_PPR,
	GDB_AMR,
};

#define GDB_POWER_REGISTERS   149
#define GDB_REGISTER_MAX      16 /* bytes */
#define GDB_POWER_DESCRIPTION 16384 /* more than it needs */

struct gdb_power_register {
	enum gdb_power_kind kind;
	unsigned index; /* of several of a kind */
	unsigned bytes;
};

/** gdb_power_register() - the register with a number; false: there is none */
bool gdb_power_register(unsigned number, struct gdb_power_register *reg);
/** gdb_power_description() - write the target description, "target.xml" */
void gdb_power_description(char *text, size_t size);

#endif
