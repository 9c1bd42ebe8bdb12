/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trampolines' machine code, from any of three sources: embedded, an ELF file, a raw blob.
 * payload/trampoline/README.md says what the code may do. vectors.c puts it into the guest, and
 * delivery.c answers its calls.
 */
#ifndef FWNMI_PSERIES_FWNMI_TRAMPOLINE_H
#define FWNMI_PSERIES_FWNMI_TRAMPOLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that LoPAR gives firmware at each vector. */
#define TRAMPOLINE_MAX 256u

enum trampoline_vector {
	TRAMPOLINE_SYSTEM_RESET,
	TRAMPOLINE_MACHINE_CHECK,
	TRAMPOLINE_VECTORS
};

struct trampoline_code {
	bool little_endian; /* byte order of the instructions */
	uint16_t size[TRAMPOLINE_VECTORS]; /* bytes, a multiple of 4, at most TRAMPOLINE_MAX */
	uint8_t bytes[TRAMPOLINE_VECTORS][TRAMPOLINE_MAX];
};

/**
 * trampoline_load() - get the code from the source that the user named
 * @source: "embedded", "elf:PATH", "blob:PATH" or "blob:PATH,PATH"; see
 * payload/trampoline/README.md
 * @little_endian: the byte order in which the guest will take interrupts
 * @code: filled in
 * @err: gets the reason on failure, one line
 *
 * returns: true, or false on failure
 */
bool trampoline_load(const char *source, bool little_endian, struct trampoline_code *code,
		     char *err, size_t err_size);

/**
 * trampoline_parse_elf() - the code in an ELF file's image; any bytes are safe. Returns NULL, or
 * what is wrong with it.
 */
const char *trampoline_parse_elf(const void *image, size_t size, bool little_endian,
				 struct trampoline_code *code);

/**
 * trampoline_parse_blob() - the same for a raw image of 0x100..0x2ff. Its byte order is taken on
 * trust.
 */
const char *trampoline_parse_blob(const void *image, size_t size, bool little_endian,
				  struct trampoline_code *code);

/**
 * trampoline_call_by() - replace each `sc 1` in the code by other instructions
 * @instructions: appended to the code; each `sc 1` becomes a branch to them; position independent
 * @count: how many; 0 changes nothing
 *
 * returns: true, or false if there is no room
 */
bool trampoline_call_by(struct trampoline_code *code, const uint32_t *instructions, unsigned count);

/** trampoline_copy() - the code for one vector in the byte order asked for; returns its size in
 * bytes. */
size_t trampoline_copy(const struct trampoline_code *code, enum trampoline_vector vector,
		       bool little_endian, uint8_t bytes[static TRAMPOLINE_MAX]);

#endif
