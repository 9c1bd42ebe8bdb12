/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing a flattened device tree: see tree.h. */
#include <libfdt.h>

#include "base/tree.h"

void tree_check(struct tree *tree, int rc)
{
	if (!tree->error)
		tree->error = rc;
}

void tree_begin(struct tree *tree, const char *node)
{
	tree_check(tree, fdt_begin_node(tree->buf, node));
}

void tree_end(struct tree *tree)
{
	tree_check(tree, fdt_end_node(tree->buf));
}

void tree_bytes(struct tree *tree, const char *name, const void *value, size_t len)
{
	tree_check(tree, fdt_property(tree->buf, name, value, (int)len));
}

void tree_string(struct tree *tree, const char *name, const char *value)
{
	tree_check(tree, fdt_property_string(tree->buf, name, value));
}

void tree_empty(struct tree *tree, const char *name)
{
	tree_check(tree, fdt_property(tree->buf, name, NULL, 0));
}

void tree_u32(struct tree *tree, const char *name, uint32_t value)
{
	tree_check(tree, fdt_property_u32(tree->buf, name, value));
}

void tree_u64(struct tree *tree, const char *name, uint64_t value)
{
	tree_check(tree, fdt_property_u64(tree->buf, name, value));
}

void tree_cells(struct tree *tree, const char *name, const uint32_t *value, unsigned count)
{
	uint8_t buf[4 * TREE_MAX_CELLS];

	for (unsigned i = 0; i < count; i++)
		fdt32_st(buf + 4 * i, value[i]);
	tree_bytes(tree, name, buf, 4ull * count);
}
