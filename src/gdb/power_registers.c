/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers by number; see power_registers.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gdb/power_registers.h"

#define FEATURE "org.gnu.gdb.power."

/* Registers in a row. */
static const struct row {
	const char *feature;
	const char *name; /* with %u in it if there are several */
	enum gdb_power_kind kind;
	unsigned first, count, bits;
	const char *type;
} rows[] = {
	{ FEATURE "core", "r%u", GDB_GPR, 0, 32, 64, "uint64" },
	{ FEATURE "core", "pc", GDB_PC, 64, 1, 64, "code_ptr" },
	{ FEATURE "core", "msr", GDB_MSR, 65, 1, 64, "uint64" },
	{ FEATURE "core", "cr", GDB_CR, 66, 1, 32, "uint32" },
	{ FEATURE "core", "lr", GDB_LR, 67, 1, 64, "code_ptr" },
	{ FEATURE "core", "ctr", GDB_CTR, 68, 1, 64, "uint64" },
	{ FEATURE "core", "xer", GDB_XER, 69, 1, 32, "uint32" },
	{ FEATURE "fpu", "f%u", GDB_FPR, 32, 32, 64, "ieee_double" },
	{ FEATURE "fpu", "fpscr", GDB_FPSCR, 70, 1, 64, "uint64" },
	{ FEATURE "altivec", "vr%u", GDB_VR, 71, 32, 128, "vec128" },
	{ FEATURE "altivec", "vscr", GDB_VSCR, 103, 1, 32, "uint32" },
	{ FEATURE "altivec", "vrsave", GDB_VRSAVE, 104, 1, 32, "uint32" },
	{ FEATURE "vsx", "vs%uh", GDB_VSR_LOW, 105, 32, 64, "uint64" },
	{ "org.fwnmi.power.spr", "srr0", GDB_SRR0, 137, 1, 64, "code_ptr" },
	{ "org.fwnmi.power.spr", "srr1", GDB_SRR1, 138, 1, 64, "uint64" },
	{ "org.fwnmi.power.spr", "dar", GDB_DAR, 139, 1, 64, "uint64" },
	{ "org.fwnmi.power.spr", "dsisr", GDB_DSISR, 140, 1, 32, "uint32" },
	{ "org.fwnmi.power.spr", "sprg%u", GDB_SPRG, 141, 4, 64, "uint64" },
	{ "org.fwnmi.power.spr", "tar", GDB_TAR, 145, 1, 64, "uint64" },
	{ "org.fwnmi.power.spr", "dscr", GDB_DSCR, 146, 1, 64, "uint64" },
	{ "org.fwnmi.power.spr", "ppr", GDB_PPR, 147, 1, 64, "uint64" },
	{ "org.fwnmi.power.spr", "amr", GDB_AMR, 148, 1, 64, "uint64" },
};

static const char start[] = "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
			    "<target version=\"1.0\"><architecture>powerpc:common64</architecture>";
static const char vector_types[] = "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
				   "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
				   "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
				   "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
				   "<union id=\"vec128\"><field name=\"uint128\" type=\"uint128\"/>"
				   "<field name=\"v4_float\" type=\"v4f\"/>"
				   "<field name=\"v4_int32\" type=\"v4i32\"/>"
				   "<field name=\"v8_int16\" type=\"v8i16\"/>"
				   "<field name=\"v16_int8\" type=\"v16i8\"/></union>";

bool gdb_power_register(unsigned number, struct gdb_power_register *reg)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (number < rows[i].first || number - rows[i].first >= rows[i].count)
			continue;
		*reg = (struct gdb_power_register){ rows[i].kind, number - rows[i].first,
						    rows[i].bits / 8 };
		return true;
	}
	return false;
}

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
						      ...)
{
	const size_t length = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + length, size - length, format, ap);
	va_end(ap);
}

static void add_registers(char *text, size_t size, const struct row *row)
{
	const char *variable = strstr(row->name, "%u");
	const int before = (int)(variable ? (size_t)(variable - row->name) : strlen(row->name));

	for (unsigned i = 0; i < row->count; i++) {
		char number[12] = "";

		if (variable)
			snprintf(number, sizeof(number), "%u", i);
		add(text, size, "<reg name=\"%.*s%s%s\" bitsize=\"%u\" regnum=\"%u\" type=\"%s\"/>",
		    before, row->name, number, variable ? variable + 2 : "", row->bits,
		    row->first + i, row->type);
	}
}

void gdb_power_description(char *text, size_t size)
{
	const char *feature = NULL;

	snprintf(text, size, "%s", start);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!feature || strcmp(feature, rows[i].feature)) {
			add(text, size, "%s<feature name=\"%s\">", feature ? "</feature>" : "",
			    rows[i].feature);
			feature = rows[i].feature;
			if (rows[i].kind == GDB_VR)
				add(text, size, "%s", vector_types);
		}
		add_registers(text, size, &rows[i]);
	}
	add(text, size, "</feature></target>");
}
