/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads 64-bit ELF files from untrusted sources. Headers, names and symbols are read one by one,
 * when asked for, and only once the file is known to reach that far. Nothing is allocated, whatever
 * a header claims. libelf will not do: it reads whole tables, so a sparse file of 1 GiB takes
 * gigabytes of memory. System V ABI, chapter "Object Files".
 */
#ifndef FWNMI_BASE_ELF_FILE_H
#define FWNMI_BASE_ELF_FILE_H

#include <elf.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Headers and symbols are returned in the host's byte order. */
struct elf_file {
	int fd; /* -1: it is in memory */
	const uint8_t *image;
	uint64_t size;
	bool little_endian;
	Elf64_Ehdr header; /* of a 32-bit file only e_ident, e_type and e_machine */
};

enum elf_opened {
	ELF_FILE_GOOD, /* its program and section headers are all inside the file */
	ELF_FILE_NONE, /* not an ELF file */
	ELF_FILE_32_BIT,
	ELF_FILE_CUT, /* it ends inside its ELF header */
	ELF_FILE_CUT_HEADERS, /* it ends before or inside its program or section headers */
};

/**
 * elf_file_open() - read and check the ELF header
 * @fd: a regular file, which stays the caller's; or -1
 * @image: the file's contents, if @fd is -1
 *
 * A file with too many headers for the count in the ELF header is treated as having none of them.
 */
enum elf_opened elf_file_open(struct elf_file *elf, int fd, const void *image, uint64_t size);

/** elf_file_word() - four bytes of a file of that byte order as a number */
static inline uint32_t elf_file_word(bool little_endian, const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return little_endian ? le32toh(word) : be32toh(word);
}

/** elf_file_read() - read @len bytes at @offset of the file; false if they are not all there. */
bool elf_file_read(const struct elf_file *elf, uint64_t offset, void *buf, size_t len);

/** elf_file_segment() - program header @i, below header.e_phnum. */
bool elf_file_segment(const struct elf_file *elf, unsigned i, Elf64_Phdr *segment);

/**
 * elf_file_section() - section header @i, below header.e_shnum
 *
 * False also if the section's contents are not all in the file.
 */
bool elf_file_section(const struct elf_file *elf, unsigned i, Elf64_Shdr *section);

/** elf_file_symbol() - convert an entry of a symbol table; @raw is as in the file. */
void elf_file_symbol(const struct elf_file *elf, const Elf64_Sym *raw, Elf64_Sym *symbol);

/** elf_file_is_named() - is @name the string at @offset of section @strings? */
bool elf_file_is_named(const struct elf_file *elf, unsigned strings, uint64_t offset,
		       const char *name);

#endif
