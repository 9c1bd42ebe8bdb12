/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest kernel's file: its symbols and its contents. Format: OpenPOWER 64-bit ELF ABIs. In
 * version 1 a function's symbol names its descriptor; in version 2 a function has a global and a
 * local entry.
 */
#ifndef FWNMI_BASE_SYMBOLS_H
#define FWNMI_BASE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols; /* opaque: symbols.c */

/**
 * symbols_open() - open a 64-bit POWER ELF file with a symbol table
 *
 * Returns NULL with one line in @err.
 */
struct symbols *symbols_open(const char *path, char *err, size_t err_size);
void symbols_close(struct symbols *symbols);

/**
 * symbols_problem() - why nothing is found: the table, which is read when it is first needed, could
 * not be read. NULL: it was.
 */
const char *symbols_problem(const struct symbols *symbols);
bool symbols_little_endian(const struct symbols *symbols);

/**
 * symbols_find() - link address of a symbol; for a function, of its code. False if there is none.
 */
bool symbols_find(const struct symbols *symbols, const char *name, uint64_t *address);
/**
 * symbols_local_entry() - where calls from inside the kernel enter a function; often not its first
 * instruction.
 */
bool symbols_local_entry(const struct symbols *symbols, const char *name, uint64_t *address);
/**
 * symbols_nearest() - the name of a symbol that may have been meant
 * @out: of @size bytes
 *
 * False: no name is near.
 */
bool symbols_nearest(const struct symbols *symbols, const char *name, char *out, size_t size);
/**
 * symbols_place() - what is at a link address, as "symbol+0x10"
 * @out: of @size bytes, at least 1; "" if it is in no function
 *
 * Returns @out.
 */
char *symbols_place(struct symbols *symbols, uint64_t address, char *out, size_t size);
/**
 * symbols_each() - hands out all functions by address, with the link address of what follows each
 *
 * Of those at one address, all are. False: out of memory, or symbols_problem().
 */
bool symbols_each(struct symbols *symbols,
		  void (*each)(void *opaque, const char *name, uint64_t address, uint64_t end),
		  void *opaque);
/**
 * symbols_read() - the file's bytes at a link address; false if the file does not have all of them.
 */
bool symbols_read(const struct symbols *symbols, uint64_t address, void *buf, size_t len);

#endif
