/** @file Runs before each test file: what the file begins ends with it. */
import { afterAll } from 'vitest';
import { endFile } from './endings.ts';

afterAll(endFile);
