/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts' instructions as binutils' objdump reads them. */
#ifndef UNIT_DISASSEMBLE_H
#define UNIT_DISASSEMBLE_H

#include "unit.h"

#include <unistd.h>

/* An architecture as objdump has it */
struct disassembler {
	const char *command;
	const char *undefined; /* what it says of bytes that are no instruction */
	const char *comment; /* begins what is behind an instruction */
	uint8_t nop[4];
};
static const struct disassembler disassembler_x86_64 = { .command = "objdump -m i386:x86-64",
							 .undefined = "(bad)",
							 .comment = "#",
							 .nop = { 0x90, 0x90, 0x90, 0x90 } };
static const struct disassembler disassembler_aarch64 = {
	.command = "aarch64-linux-gnu-objdump -m aarch64",
	.undefined = "undefined",
	.comment = "//",
	.nop = { 0x1f, 0x20, 0x03, 0xd5 }
};
#ifdef __aarch64__
#define DISASSEMBLER_HOST disassembler_aarch64
#else
#define DISASSEMBLER_HOST disassembler_x86_64
#endif

/* One instruction */
struct disassembled {
	unsigned offset;
	char text[96]; /* AT&T's syntax, or Arm's, one space after the mnemonic */
};

/* Instructions that the disassembler steps over one by one */
static inline void fill_with_nops(const struct disassembler *d, uint8_t *code, size_t size)
{
	for (size_t i = 0; i < size; i++)
		code[i] = d->nop[i % sizeof(d->nop)];
}

/* Without what is behind the instruction, and with single spaces, no tabs */
static inline void copy_text(const struct disassembler *d, char *to, size_t size, const char *from)
{
	const char *comment = strstr(from, d->comment);
	size_t n = 0;

	for (; *from && from != comment && *from != '<' && *from != '\n' && n + 1 < size; from++) {
		const char c = *from == '\t' ? ' ' : *from;

		if (c != ' ' || (n && to[n - 1] != ' '))
			to[n++] = c;
	}
	while (n && to[n - 1] == ' ')
		n--;
	to[n] = 0;
}

/*
 * Disassembles @size bytes into @out, which has room for @room. returns: how many instructions
 * there are; -1: no objdump
 */
static inline int disassemble(const struct disassembler *d, const uint8_t *code, size_t size,
			      struct disassembled *out, int room)
{
	char path[] = "/tmp/fwnmi-unit-code-XXXXXX", command[128], line[256];
	const int fd = mkstemp(path);
	int n = 0, end;
	FILE *f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, code, size), size);
	close(fd);
	snprintf(command, sizeof(command), "%s -D -z -b binary --no-show-raw-insn %s 2>/dev/null",
		 d->command, path);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned offset;

		end = 0;
		if (sscanf(line, " %x:%n", &offset, &end) != 1 || !end || n == room)
			continue;
		out[n].offset = offset;
		while (line[end] == '\t')
			end++;
		copy_text(d, out[n].text, sizeof(out[n].text), line + end);
		n++;
	}
	end = pclose(f);
	unlink(path);
	return end ? -1 : n;
}

#endif
