import { describe, expect, test } from "vitest";
import {
  IMPEDANCE_CLASSES,
  type ImpedanceClass,
  impedanceClassIndex,
  impedanceClassName,
} from "./impedance-class.ts";

describe("impedance classes", () => {
  test("the default allocation fills a mesh of 30,000", () => {
    expect(IMPEDANCE_CLASSES.map((entry) => entry.allocation)).toEqual([
      10_000, 8_000, 5_000, 2_000, 3_000, 2_000,
    ]);
  });

  test("name and index are each other's inverse", () => {
    for (let index = 0; index < IMPEDANCE_CLASSES.length; index++) {
      expect(impedanceClassIndex(impedanceClassName(index))).toBe(index);
    }
  });

  test("an hour of a human scores as 800 ms of a machine", () => {
    expect(3_600_000 / IMPEDANCE_CLASSES[5].msPerPoint).toBe(800);
    expect(800 / IMPEDANCE_CLASSES[0].msPerPoint).toBe(800);
  });

  test("an unknown class is refused with the names there are", () => {
    expect(() => impedanceClassIndex("CLASS_G" as ImpedanceClass)).toThrow(
      /expected one of CLASS_A_EDGE.*"CLASS_G"/,
    );
    expect(() => impedanceClassName(6)).toThrow("expected 0 to 5, got 6");
  });
});
