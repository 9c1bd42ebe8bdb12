/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's tables of instructions; see kernel_tables.h. */
#include <stdlib.h>
#include <string.h>

#include "base/elf_file.h"
#include "lab/kernel_tables.h"

#define EXCEPTION_BYTES 8u
#define RESTART_BYTES	24u
#define TABLE_MAX	(4u << 20) /* bytes; Debian's have 50 KiB */

static void clear(struct kernel_table *table)
{
	free(table->bytes);
	*table = (struct kernel_table){ 0 };
}

static void read_table(struct kernel_table *table, const struct symbols *symbols, const char *start,
		       const char *stop)
{
	uint64_t end;

	*table = (struct kernel_table){ 0 };
	if (!symbols || !symbols_find(symbols, start, &table->address) ||
	    !symbols_find(symbols, stop, &end) || end < table->address ||
	    end - table->address > TABLE_MAX)
		return;
	table->size = end - table->address;
	table->little_endian = symbols_little_endian(symbols);
	table->bytes = malloc(table->size + 1);
	if (!table->bytes || !symbols_read(symbols, table->address, table->bytes, table->size))
		clear(table);
}

void kernel_tables_read(struct kernel_tables *tables, const struct symbols *symbols)
{
	read_table(&tables->exceptions, symbols, "__start___ex_table", "__stop___ex_table");
	read_table(&tables->restarts, symbols, "__start___restart_table", "__stop___restart_table");
}

bool kernel_tables_fixup(const struct kernel_tables *tables, uint64_t nip)
{
	const struct kernel_table *table = &tables->exceptions;

	for (uint64_t i = 0; i + EXCEPTION_BYTES <= table->size; i += EXCEPTION_BYTES) {
		const int32_t distance =
			(int32_t)elf_file_word(table->little_endian, table->bytes + i);

		if (table->address + i + (uint64_t)(int64_t)distance == nip)
			return true;
	}
	return false;
}

static uint64_t doubleword(const struct kernel_table *table, uint64_t offset)
{
	const uint64_t first = elf_file_word(table->little_endian, table->bytes + offset);
	const uint64_t second = elf_file_word(table->little_endian, table->bytes + offset + 4);

	return table->little_endian ? second << 32 | first : first << 32 | second;
}

bool kernel_tables_restart(const struct kernel_tables *tables, uint64_t nip)
{
	const struct kernel_table *table = &tables->restarts;

	for (uint64_t i = 0; i + RESTART_BYTES <= table->size; i += RESTART_BYTES)
		if (nip >= doubleword(table, i) && nip < doubleword(table, i + 8))
			return true;
	return false;
}

void kernel_tables_clear(struct kernel_tables *tables)
{
	clear(&tables->exceptions);
	clear(&tables->restarts);
}
