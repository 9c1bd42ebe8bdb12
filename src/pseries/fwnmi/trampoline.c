/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads trampoline code; see trampoline.h. The code is only data here and is never mapped
 * executable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf_file.h"
#include "pseries/fwnmi/trampoline.h"
#include "pseries/fwnmi/trampoline_code.h"

#define MAX_FILE (1u << 20) /* plenty for a few hundred bytes of code */

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

static const char *const symbol_names[TRAMPOLINE_VECTORS] = {
	[TRAMPOLINE_SYSTEM_RESET] = "fwnmi_system_reset_trampoline",
	[TRAMPOLINE_MACHINE_CHECK] = "fwnmi_machine_check_trampoline",
};

static const char *set(struct trampoline_code *code, enum trampoline_vector vector,
		       const void *bytes, uint64_t size)
{
	static const char *const empty[] = { "the system reset trampoline is empty",
					     "the machine check trampoline is empty" };
	static const char *const long_[] = {
		"the system reset trampoline is longer than 256 bytes",
		"the machine check trampoline is longer than 256 bytes",
	};
	static const char *const odd[] = {
		"the system reset trampoline is not made of whole instructions",
		"the machine check trampoline is not made of whole instructions",
	};

	if (!size)
		return empty[vector];
	if (size > TRAMPOLINE_MAX)
		return long_[vector];
	if (size % 4)
		return odd[vector];
	memcpy(code->bytes[vector], bytes, size);
	code->size[vector] = (uint16_t)size;
	return NULL;
}

/* ---- embedded ---- */

static void set_embedded(bool little_endian, struct trampoline_code *code)
{
	if (little_endian) {
		set(code, TRAMPOLINE_SYSTEM_RESET, trampoline_system_reset_little_endian,
		    sizeof(trampoline_system_reset_little_endian));
		set(code, TRAMPOLINE_MACHINE_CHECK, trampoline_machine_check_little_endian,
		    sizeof(trampoline_machine_check_little_endian));
	} else {
		set(code, TRAMPOLINE_SYSTEM_RESET, trampoline_system_reset_big_endian,
		    sizeof(trampoline_system_reset_big_endian));
		set(code, TRAMPOLINE_MACHINE_CHECK, trampoline_machine_check_big_endian,
		    sizeof(trampoline_machine_check_big_endian));
	}
}

/* ---- ELF ---- */

/* Copy the symbol's bytes from its section. What both claim is checked against the actual data. */
static const char *take_function(const struct elf_file *elf, const Elf64_Sym *sym,
				 enum trampoline_vector vector, struct trampoline_code *code)
{
	uint64_t offset = sym->st_value;
	uint8_t bytes[TRAMPOLINE_MAX];
	Elf64_Shdr shdr;

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE ||
	    sym->st_shndx >= elf->header.e_shnum)
		return "a trampoline's symbol is in no section";
	if (!elf_file_section(elf, sym->st_shndx, &shdr))
		return "a trampoline's section cannot be read";
	if (shdr.sh_type != SHT_PROGBITS || !(shdr.sh_flags & SHF_EXECINSTR))
		return "a trampoline's symbol is not in a section of code";
	if (elf->header.e_type != ET_REL)
		offset -= shdr.sh_addr;
	if (offset > shdr.sh_size || sym->st_size > shdr.sh_size - offset)
		return "a trampoline reaches past the end of its section";
	if (sym->st_size <= sizeof(bytes) &&
	    !elf_file_read(elf, shdr.sh_offset + offset, bytes, sym->st_size))
		return "a trampoline's section cannot be read";
	return set(code, vector, bytes, sym->st_size);
}

static const char *take_symbols(const struct elf_file *elf, const Elf64_Shdr *table,
				struct trampoline_code *code)
{
	for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
		Elf64_Sym raw, sym;

		if (!elf_file_read(elf, table->sh_offset + i * sizeof(raw), &raw, sizeof(raw)))
			break;
		elf_file_symbol(elf, &raw, &sym);
		for (unsigned vector = 0; vector < TRAMPOLINE_VECTORS; vector++) {
			const char *problem;

			if (code->size[vector] ||
			    !elf_file_is_named(elf, table->sh_link, sym.st_name,
					       symbol_names[vector]))
				continue;
			problem = take_function(elf, &sym, (enum trampoline_vector)vector, code);
			if (problem)
				return problem;
		}
	}
	return NULL;
}

static const char *open_elf(struct elf_file *elf, const void *image, size_t size,
			    bool little_endian)
{
	enum elf_opened opened = elf_file_open(elf, -1, image, size);

	if (opened == ELF_FILE_NONE || opened == ELF_FILE_CUT)
		return "not an ELF file";
	if (opened == ELF_FILE_32_BIT || elf->header.e_machine != EM_PPC64)
		return "not for 64-bit PowerPC";
	if (elf->little_endian != little_endian)
		return little_endian ? "big-endian, but the kernel is little-endian" :
				       "little-endian, but the kernel is big-endian";
	if (elf->header.e_type != ET_REL && elf->header.e_type != ET_DYN &&
	    elf->header.e_type != ET_EXEC)
		return "neither an object file nor a shared object";
	return opened == ELF_FILE_GOOD ? NULL : "truncated file";
}

const char *trampoline_parse_elf(const void *image, size_t size, bool little_endian,
				 struct trampoline_code *code)
{
	bool had[SHT_DYNSYM + 1] = { false }; /* a file has one table of each kind */
	struct elf_file elf;
	const char *problem = open_elf(&elf, image, size, little_endian);

	*code = (struct trampoline_code){ .little_endian = little_endian };
	for (unsigned i = 0; !problem && i < elf.header.e_shnum; i++) {
		Elf64_Shdr shdr;

		if (!elf_file_section(&elf, i, &shdr) ||
		    (shdr.sh_type != SHT_SYMTAB && shdr.sh_type != SHT_DYNSYM) || had[shdr.sh_type])
			continue;
		had[shdr.sh_type] = true;
		problem = take_symbols(&elf, &shdr, code);
	}
	if (!problem && !code->size[TRAMPOLINE_SYSTEM_RESET])
		problem = "no symbol fwnmi_system_reset_trampoline";
	if (!problem && !code->size[TRAMPOLINE_MACHINE_CHECK])
		problem = "no symbol fwnmi_machine_check_trampoline";
	return problem;
}

/* ---- blob ---- */

const char *trampoline_parse_blob(const void *image, size_t size, bool little_endian,
				  struct trampoline_code *code)
{
	const char *problem;

	*code = (struct trampoline_code){ .little_endian = little_endian };
	if (size <= TRAMPOLINE_MAX)
		return "no machine check trampoline: it begins behind 256 bytes for the system reset's";
	problem = set(code, TRAMPOLINE_SYSTEM_RESET, image, TRAMPOLINE_MAX);
	if (!problem)
		problem = set(code, TRAMPOLINE_MACHINE_CHECK, (const char *)image + TRAMPOLINE_MAX,
			      size - TRAMPOLINE_MAX);
	return problem;
}

/* ---- files ---- */

static const char *read_fd(int fd, void *buf, size_t *size)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	if (st.st_size > MAX_FILE)
		return "larger than 1 MiB";
	while (done < MAX_FILE) {
		ssize_t n = read(fd, (char *)buf + done, MAX_FILE - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*size = done;
	return NULL;
}

/* Returns malloc()ed contents, or NULL with *@problem set. */
static void *read_file(const char *path, size_t *size, const char **problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	void *buf = malloc(MAX_FILE);

	*problem = fd < 0 ? strerror(errno) : !buf ? "out of memory" : read_fd(fd, buf, size);
	if (fd >= 0)
		close(fd);
	if (!*problem)
		return buf;
	free(buf);
	return NULL;
}

static bool load_file(const char *path, bool little_endian, struct trampoline_code *code,
		      const char *(*parse)(const void *image, size_t size, bool little_endian,
					   struct trampoline_code *code),
		      char *err, size_t err_size)
{
	const char *problem;
	size_t size;
	void *image = read_file(path, &size, &problem);

	if (image)
		problem = parse(image, size, little_endian, code);
	free(image);
	if (problem)
		return FAIL("cannot use the trampolines in %s: %s", path, problem);
	return true;
}

static bool load_half(const char *path, enum trampoline_vector vector, struct trampoline_code *code,
		      char *err, size_t err_size)
{
	const char *problem;
	size_t size;
	void *image = read_file(path, &size, &problem);

	if (image)
		problem = set(code, vector, image, size);
	free(image);
	if (problem)
		return FAIL("cannot use the trampoline in %s: %s", path, problem);
	return true;
}

static bool load_blob(const char *paths, bool little_endian, struct trampoline_code *code,
		      char *err, size_t err_size)
{
	const char *comma = strchr(paths, ',');
	char *first;
	bool ok;

	if (!comma)
		return load_file(paths, little_endian, code, trampoline_parse_blob, err, err_size);
	*code = (struct trampoline_code){ .little_endian = little_endian };
	first = strndup(paths, (size_t)(comma - paths));
	if (!first)
		return FAIL("out of memory");
	ok = load_half(first, TRAMPOLINE_SYSTEM_RESET, code, err, err_size) &&
	     load_half(comma + 1, TRAMPOLINE_MACHINE_CHECK, code, err, err_size);
	free(first);
	return ok;
}

bool trampoline_load(const char *source, bool little_endian, struct trampoline_code *code,
		     char *err, size_t err_size)
{
	*code = (struct trampoline_code){ .little_endian = little_endian };
	if (!strcmp(source, "embedded"))
		set_embedded(little_endian, code);
	else if (!strncmp(source, "elf:", 4))
		return load_file(source + 4, little_endian, code, trampoline_parse_elf, err,
				 err_size);
	else if (!strncmp(source, "blob:", 5))
		return load_blob(source + 5, little_endian, code, err, err_size);
	else
		return FAIL("no trampoline source %s: not embedded, elf:PATH or blob:PATH[,PATH]",
			    source);
	return true;
}

#define INSN_SC_1 0x44000022u
#define INSN_B	  0x48000000u /* plus the distance in bytes */

/* Instructions in the code's own byte order. */
static uint32_t get_insn(const struct trampoline_code *code, unsigned vector, unsigned at)
{
	uint32_t insn = 0;

	for (unsigned i = 0; i < 4; i++)
		insn = insn << 8 | code->bytes[vector][at + (code->little_endian ? 3 - i : i)];
	return insn;
}

static void put_insn(struct trampoline_code *code, unsigned vector, unsigned at, uint32_t insn)
{
	for (unsigned i = 0; i < 4; i++)
		code->bytes[vector][at + (code->little_endian ? i : 3 - i)] =
			(uint8_t)(insn >> 8 * i);
}

bool trampoline_call_by(struct trampoline_code *code, const uint32_t *instructions, unsigned count)
{
	for (unsigned vector = 0; vector < TRAMPOLINE_VECTORS && count; vector++) {
		unsigned end = code->size[vector];

		if (end + 4 * count > TRAMPOLINE_MAX)
			return false;
		for (unsigned at = 0; at < end; at += 4)
			if (get_insn(code, vector, at) == INSN_SC_1)
				put_insn(code, vector, at, INSN_B + (end - at));
		for (unsigned i = 0; i < count; i++)
			put_insn(code, vector, end + 4 * i, instructions[i]);
		code->size[vector] = (uint16_t)(end + 4 * count);
	}
	return true;
}

size_t trampoline_copy(const struct trampoline_code *code, enum trampoline_vector vector,
		       bool little_endian, uint8_t bytes[static TRAMPOLINE_MAX])
{
	unsigned turn = code->little_endian == little_endian ? 0 : 3;

	for (unsigned i = 0; i < code->size[vector]; i++)
		bytes[i] = code->bytes[vector][i ^ turn];
	return code->size[vector];
}
