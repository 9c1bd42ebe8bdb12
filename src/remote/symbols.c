/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest kernel's file; see symbols.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remote/symbols.h"

/* OpenPOWER ELF ABI version 2, "Symbol Values": st_other bits 5:7 tell how far the local entry is. */
#define LOCAL_ENTRY(other) (1u << ((other) >> 5 & 7) & ~3u)

struct symbols {
	int fd;
	Elf *elf;
	Elf_Data *table;
	size_t count, names;
	bool little_endian;
	uint64_t opd_start, opd_end; /* function descriptors of ABI version 1 */
};

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

static bool find_table(struct symbols *s)
{
	Elf_Scn *section = NULL;
	size_t section_names;

	if (elf_getshdrstrndx(s->elf, &section_names) < 0)
		return false;
	while ((section = elf_nextscn(s->elf, section))) {
		GElf_Shdr shdr;
		const char *name;

		if (!gelf_getshdr(section, &shdr))
			continue;
		name = elf_strptr(s->elf, section_names, shdr.sh_name);
		if (name && !strcmp(name, ".opd")) {
			s->opd_start = shdr.sh_addr;
			s->opd_end = shdr.sh_addr + shdr.sh_size;
		}
		if (shdr.sh_type != SHT_SYMTAB || !shdr.sh_entsize)
			continue;
		s->table = elf_getdata(section, NULL);
		s->count = shdr.sh_size / shdr.sh_entsize;
		s->names = shdr.sh_link;
	}
	return s->table && s->count;
}

static bool open_file(struct symbols *s, const char *path, char *err, size_t err_size)
{
	struct stat st;
	GElf_Ehdr header;

	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return FAIL("cannot open kernel %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return FAIL("cannot read kernel %s: not a regular file", path);
	if (elf_version(EV_CURRENT) == EV_NONE)
		return FAIL("libelf is too old");
	s->elf = elf_begin(s->fd, ELF_C_READ, NULL);
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF || !gelf_getehdr(s->elf, &header))
		return FAIL("bad kernel %s: not an ELF file", path);
	if (gelf_getclass(s->elf) != ELFCLASS64 || header.e_machine != EM_PPC64)
		return FAIL("bad kernel %s: not for 64-bit POWER", path);
	s->little_endian = header.e_ident[EI_DATA] == ELFDATA2LSB;
	if (!find_table(s))
		return FAIL("bad kernel %s: it has no symbol table", path);
	return true;
}

struct symbols *symbols_open(const char *path, char *err, size_t err_size)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	if (open_file(s, path, err, err_size))
		return s;
	symbols_close(s);
	return NULL;
}

void symbols_close(struct symbols *s)
{
	if (!s)
		return;
	if (s->elf)
		elf_end(s->elf);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

bool symbols_little_endian(const struct symbols *s)
{
	return s->little_endian;
}

static bool lookup(const struct symbols *s, const char *name, GElf_Sym *symbol)
{
	bool found = false;

	for (size_t i = 0; i < s->count; i++) {
		GElf_Sym candidate;
		const char *text;

		if (!gelf_getsym(s->table, (int)i, &candidate) || candidate.st_shndx == SHN_UNDEF)
			continue;
		text = elf_strptr(s->elf, s->names, candidate.st_name);
		if (!text || strcmp(text, name) != 0)
			continue;
		*symbol = candidate;
		found = true;
		/* A global one counts more than somebody's static one of the same name. */
		if (GELF_ST_BIND(candidate.st_info) != STB_LOCAL)
			break;
	}
	return found;
}

bool symbols_read(const struct symbols *s, uint64_t address, void *buf, size_t len)
{
	size_t count;

	if (elf_getphdrnum(s->elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;
		uint64_t offset;

		if (!gelf_getphdr(s->elf, (int)i, &segment) || segment.p_type != PT_LOAD)
			continue;
		offset = address - segment.p_vaddr;
		if (address < segment.p_vaddr || offset >= segment.p_filesz ||
		    len > segment.p_filesz - offset)
			continue;
		return pread(s->fd, buf, len, (off_t)(segment.p_offset + offset)) == (ssize_t)len;
	}
	return false;
}

static bool through_descriptor(const struct symbols *s, uint64_t *address)
{
	uint8_t raw[8];

	if (*address < s->opd_start || *address >= s->opd_end)
		return true;
	if (!symbols_read(s, *address, raw, sizeof(raw)))
		return false;
	*address = 0;
	for (unsigned i = 0; i < 8; i++)
		*address = *address << 8 | raw[s->little_endian ? 7 - i : i];
	return true;
}

bool symbols_find(const struct symbols *s, const char *name, uint64_t *address)
{
	GElf_Sym symbol;

	if (!lookup(s, name, &symbol))
		return false;
	*address = symbol.st_value;
	return through_descriptor(s, address);
}

bool symbols_local_entry(const struct symbols *s, const char *name, uint64_t *address)
{
	GElf_Sym symbol;

	if (!lookup(s, name, &symbol))
		return false;
	*address = symbol.st_value;
	if (*address >= s->opd_start && *address < s->opd_end)
		return through_descriptor(s, address);
	*address += LOCAL_ENTRY(symbol.st_other);
	return true;
}
