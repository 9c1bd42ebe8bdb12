/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's exception table; see exception_table.h. */
#include <stdlib.h>
#include <string.h>

#include "base/elf_file.h"
#include "lab/exception_table.h"

#define ENTRY_BYTES 8u
#define TABLE_MAX   (4u << 20) /* bytes; Debian's have 50 KiB */

void exception_table_read(struct exception_table *table, const struct symbols *symbols)
{
	uint64_t end;

	*table = (struct exception_table){ 0 };
	if (!symbols || !symbols_find(symbols, "__start___ex_table", &table->address) ||
	    !symbols_find(symbols, "__stop___ex_table", &end) || end < table->address ||
	    end - table->address > TABLE_MAX)
		return;
	table->size = end - table->address;
	table->little_endian = symbols_little_endian(symbols);
	table->bytes = malloc(table->size + 1);
	if (table->bytes && symbols_read(symbols, table->address, table->bytes, table->size))
		return;
	exception_table_clear(table);
}

bool exception_table_has(const struct exception_table *table, uint64_t nip)
{
	for (uint64_t i = 0; i + ENTRY_BYTES <= table->size; i += ENTRY_BYTES) {
		const int32_t distance =
			(int32_t)elf_file_word(table->little_endian, table->bytes + i);

		if (table->address + i + (uint64_t)(int64_t)distance == nip)
			return true;
	}
	return false;
}

void exception_table_clear(struct exception_table *table)
{
	free(table->bytes);
	*table = (struct exception_table){ 0 };
}
