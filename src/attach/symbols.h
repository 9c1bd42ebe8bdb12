/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest kernel's file: its symbols and its contents. Format: OpenPOWER 64-bit ELF ABIs. In
 * version 1 a function's symbol names its descriptor; in version 2 a function has a global and a
 * local entry.
 */
#ifndef FWNMI_ATTACH_SYMBOLS_H
#define FWNMI_ATTACH_SYMBOLS_H

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
 * symbols_read() - the file's bytes at a link address; false if the file does not have all of them.
 */
bool symbols_read(const struct symbols *symbols, uint64_t address, void *buf, size_t len);

#endif
