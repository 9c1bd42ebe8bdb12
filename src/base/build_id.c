/* SPDX-License-Identifier: BSD-2-Clause */
/* The build ID is in a note of the program, which the dynamic linker knows. */
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/build_id.h"

#define ALIGN(n) (((size_t)(n) + 3) & ~(size_t)3)

static const char owner[4] = "GNU";

/* Print the build ID if it is among these notes. */
static void look_in(const uint8_t *notes, size_t size, char *text)
{
	ElfW(Nhdr) note;

	for (size_t at = 0; at + sizeof(note) <= size;) {
		const uint8_t *name = notes + at + sizeof(note), *bytes;

		memcpy(&note, notes + at, sizeof(note));
		bytes = name + ALIGN(note.n_namesz);
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(owner) &&
		    !memcmp(name, owner, sizeof(owner)))
			for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < BUILD_ID_MAX; i++)
				sprintf(text + 2 * i, "%02x", bytes[i]);
		at += sizeof(note) + ALIGN(note.n_namesz) + ALIGN(note.n_descsz);
	}
}

/* The first object is the program. */
static int look(struct dl_phdr_info *info, size_t size, void *text)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			look_in((const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
				info->dlpi_phdr[i].p_memsz, text);
	return 1;
}

void build_id(char text[static BUILD_ID_MAX])
{
	text[0] = '\0';
	dl_iterate_phdr(look, text);
}
