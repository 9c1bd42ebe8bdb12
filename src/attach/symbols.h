/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest kernel's file: where its symbols are and what it holds. ELF as in the OpenPOWER 64-bit
 * ELF ABIs: with version 1 the symbol of a function names its descriptor, with version 2 a function
 * has a global and a local entry.
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

/** symbols_find() - where a symbol was linked to; of a function its code. False if there is none.
 */
bool symbols_find(const struct symbols *symbols, const char *name, uint64_t *address);
/** symbols_local_entry() - where calls from inside the kernel enter a function; often not its first
 * instruction. */
bool symbols_local_entry(const struct symbols *symbols, const char *name, uint64_t *address);
/** symbols_read() - what the file holds at a linked address; false if that is not all in it. */
bool symbols_read(const struct symbols *symbols, uint64_t address, void *buf, size_t len);

#endif
