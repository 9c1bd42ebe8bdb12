/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flattened device tree that is being written, front to back. The first error sticks and is
 * checked once, at the end.
 */
#ifndef FWNMI_BASE_TREE_H
#define FWNMI_BASE_TREE_H

#include <stddef.h>
#include <stdint.h>

struct tree {
	void *buf;
	int error; /* of libfdt; 0: none yet */
};

/** tree_check() - remember libfdt's @rc if it is the first error. */
void tree_check(struct tree *tree, int rc);

void tree_begin(struct tree *tree, const char *node);
void tree_end(struct tree *tree);

void tree_bytes(struct tree *tree, const char *name, const void *value, size_t len);
void tree_string(struct tree *tree, const char *name, const char *value);
void tree_empty(struct tree *tree, const char *name);
void tree_u32(struct tree *tree, const char *name, uint32_t value);
void tree_u64(struct tree *tree, const char *name, uint64_t value);
void tree_cells(struct tree *tree, const char *name, const uint32_t *value, unsigned count);

#define TREE_MAX_CELLS 24 /* that tree_cells() takes */

/* tree_cells() for cells that are listed. */
#define TREE_CELLS(tree, name, ...)                                                               \
	do {                                                                                      \
		const uint32_t cells_[] = { __VA_ARGS__ };                                        \
		_Static_assert(sizeof(cells_) <= 4 * TREE_MAX_CELLS, "TREE_MAX_CELLS allows it"); \
		tree_cells(tree, name, cells_, sizeof(cells_) / 4);                               \
	} while (0)

#endif
