/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files, piece by piece; see elf_file.h. */
#include <endian.h>
#include <string.h>

#include "base/elf_file.h"
#include "base/file_io.h"

#define NAME_SIZE 64u

/* ---- byte order ---- */

static uint16_t half(const struct elf_file *elf, uint16_t raw)
{
	return elf->little_endian ? le16toh(raw) : be16toh(raw);
}

static uint32_t word(const struct elf_file *elf, uint32_t raw)
{
	return elf->little_endian ? le32toh(raw) : be32toh(raw);
}

static uint64_t xword(const struct elf_file *elf, uint64_t raw)
{
	return elf->little_endian ? le64toh(raw) : be64toh(raw);
}

/* ---- reading ---- */

bool elf_file_read(const struct elf_file *elf, uint64_t offset, void *buf, size_t len)
{
	if (offset > elf->size || len > elf->size - offset)
		return false;
	if (elf->fd >= 0)
		return !file_read(elf->fd, buf, len, offset);
	memcpy(buf, elf->image + offset, len);
	return true;
}

static void convert_header(struct elf_file *elf, const Elf64_Ehdr *raw)
{
	elf->header = *raw;
	elf->header.e_type = half(elf, raw->e_type);
	elf->header.e_machine = half(elf, raw->e_machine);
	elf->header.e_version = word(elf, raw->e_version);
	elf->header.e_entry = xword(elf, raw->e_entry);
	elf->header.e_phoff = xword(elf, raw->e_phoff);
	elf->header.e_shoff = xword(elf, raw->e_shoff);
	elf->header.e_flags = word(elf, raw->e_flags);
	elf->header.e_ehsize = half(elf, raw->e_ehsize);
	elf->header.e_phentsize = half(elf, raw->e_phentsize);
	elf->header.e_phnum = half(elf, raw->e_phnum);
	elf->header.e_shentsize = half(elf, raw->e_shentsize);
	elf->header.e_shnum = half(elf, raw->e_shnum);
	elf->header.e_shstrndx = half(elf, raw->e_shstrndx);
}

static bool has_table(const struct elf_file *elf, uint64_t offset, unsigned entry_size,
		      unsigned size, unsigned count)
{
	return entry_size == size && offset <= elf->size && (elf->size - offset) / size >= count;
}

enum elf_opened elf_file_open(struct elf_file *elf, int fd, const void *image, uint64_t size)
{
	Elf64_Ehdr raw = { .e_ident = { 0 } }, *header = &elf->header;
	unsigned char class;

	*elf = (struct elf_file){ .fd = fd, .image = image, .size = size };
	if (!elf_file_read(elf, 0, raw.e_ident, SELFMAG) || memcmp(raw.e_ident, ELFMAG, SELFMAG))
		return ELF_FILE_NONE;
	/* Up to here 32-bit headers are the same. */
	if (!elf_file_read(elf, 0, &raw, offsetof(Elf64_Ehdr, e_entry)))
		return ELF_FILE_CUT;
	class = raw.e_ident[EI_CLASS];
	elf->little_endian = raw.e_ident[EI_DATA] == ELFDATA2LSB;
	if ((class != ELFCLASS32 && class != ELFCLASS64) ||
	    (!elf->little_endian && raw.e_ident[EI_DATA] != ELFDATA2MSB))
		return ELF_FILE_NONE;
	convert_header(elf, &raw);
	if (class == ELFCLASS32)
		return ELF_FILE_32_BIT;
	if (!elf_file_read(elf, 0, &raw, sizeof(raw)))
		return ELF_FILE_CUT;
	convert_header(elf, &raw);
	if (header->e_phnum == PN_XNUM)
		header->e_phnum = 0;
	if (!header->e_shoff)
		header->e_shnum = 0;
	if ((header->e_phnum && !has_table(elf, header->e_phoff, header->e_phentsize,
					   sizeof(Elf64_Phdr), header->e_phnum)) ||
	    (header->e_shnum && !has_table(elf, header->e_shoff, header->e_shentsize,
					   sizeof(Elf64_Shdr), header->e_shnum)))
		return ELF_FILE_CUT_HEADERS;
	return ELF_FILE_GOOD;
}

/* Entry @i of a table of @count: false if there is none. */
static bool read_entry(const struct elf_file *elf, uint64_t table, unsigned count, unsigned i,
		       void *entry, size_t size)
{
	return i < count && elf_file_read(elf, table + (uint64_t)i * size, entry, size);
}

bool elf_file_segment(const struct elf_file *elf, unsigned i, Elf64_Phdr *segment)
{
	Elf64_Phdr raw;

	if (!read_entry(elf, elf->header.e_phoff, elf->header.e_phnum, i, &raw, sizeof(raw)))
		return false;
	segment->p_type = word(elf, raw.p_type);
	segment->p_flags = word(elf, raw.p_flags);
	segment->p_offset = xword(elf, raw.p_offset);
	segment->p_vaddr = xword(elf, raw.p_vaddr);
	segment->p_paddr = xword(elf, raw.p_paddr);
	segment->p_filesz = xword(elf, raw.p_filesz);
	segment->p_memsz = xword(elf, raw.p_memsz);
	segment->p_align = xword(elf, raw.p_align);
	return true;
}

bool elf_file_section(const struct elf_file *elf, unsigned i, Elf64_Shdr *section)
{
	Elf64_Shdr raw;

	if (!read_entry(elf, elf->header.e_shoff, elf->header.e_shnum, i, &raw, sizeof(raw)))
		return false;
	section->sh_name = word(elf, raw.sh_name);
	section->sh_type = word(elf, raw.sh_type);
	section->sh_flags = xword(elf, raw.sh_flags);
	section->sh_addr = xword(elf, raw.sh_addr);
	section->sh_offset = xword(elf, raw.sh_offset);
	section->sh_size = xword(elf, raw.sh_size);
	section->sh_link = word(elf, raw.sh_link);
	section->sh_info = word(elf, raw.sh_info);
	section->sh_addralign = xword(elf, raw.sh_addralign);
	section->sh_entsize = xword(elf, raw.sh_entsize);
	return section->sh_type == SHT_NOBITS ||
	       (section->sh_offset <= elf->size &&
		section->sh_size <= elf->size - section->sh_offset);
}

/* ---- symbols and names ---- */

void elf_file_symbol(const struct elf_file *elf, const Elf64_Sym *raw, Elf64_Sym *symbol)
{
	*symbol = *raw;
	symbol->st_name = word(elf, raw->st_name);
	symbol->st_shndx = half(elf, raw->st_shndx);
	symbol->st_value = xword(elf, raw->st_value);
	symbol->st_size = xword(elf, raw->st_size);
}

bool elf_file_is_named(const struct elf_file *elf, unsigned strings, uint64_t offset,
		       const char *name)
{
	size_t len = strlen(name) + 1;
	char text[NAME_SIZE];
	Elf64_Shdr section;

	return len <= sizeof(text) && elf_file_section(elf, strings, &section) &&
	       section.sh_type == SHT_STRTAB && offset <= section.sh_size &&
	       len <= section.sh_size - offset &&
	       elf_file_read(elf, section.sh_offset + offset, text, len) &&
	       !memcmp(text, name, len);
}
