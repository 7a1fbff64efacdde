/** @file The kinds of values that options have: counts, fractions, sizes and text of one form. */
import { z } from 'zod';
import { parseBytes } from './units.ts';

/** Whole, at least 1. */
export const count = z.int().min(1);
/** 0 to 1, both included. */
export const fraction = z.number().min(0).max(1);
export const positive = z.number().positive();
/** Text of one form; `title` names it in messages and in the list of options. */
export const text = (form: RegExp, title: string) => z.string().regex(form).meta({ title });
/** A size with its unit, parsed to bytes. */
export const bytes = z
  .union([z.string(), z.int().positive()])
  .meta({ title: 'size such as 64MiB' })
  .transform((value, context) => {
    const size = typeof value === 'number' ? value : parseBytes(value);
    if (size !== undefined && size > 0) return size;
    context.addIssue('not a size');
    return z.NEVER;
  });
